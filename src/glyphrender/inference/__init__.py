"""Ask a model, on a server or on this machine: the messages that it takes, and the store of its replies.

- `endpoint`: one model on a server (`Endpoint`) and its answer (`Reply`). `server`: the address, the client and its
  errors. `call`: the bounds of a call. `events`, `completion`: what a server sends. `masking`: secrets in messages.
- `conversation`: turns of text, documents and images. `model`: the `Model` protocol, and a model on a server.
- `transformers`: a model on this machine.
- `messages`: documents packed into requests within limits. `page_load`: the sizes and limits of a request.
  `message_formats`: the message shapes of the providers. `providers`: the limits of the providers. `sidecar`: exact
  strings that go beside pages.
- `expand`: a model that scans dense pages, and asks for what it needs. `expand_loop`: its turns. `expand_tools`,
  `expand_arguments`, `expand_results`, `source_search`: what a call brings. `expand_ledger`: budgets and repeated
  calls. `expand_protocol`, `expand_schema`, `tool_calls`: how tools are called. `expand_trace`: what was called.
- `replies`: a store of replies, and budgets. `chat`: one question about one document.
"""

"""A model that is asked: a server or a local model, the messages it takes, and the replies that are kept."""

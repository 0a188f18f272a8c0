"""Pages into what trains and serves: data loaders, corpora, processors, chat endpoints. One library a module."""

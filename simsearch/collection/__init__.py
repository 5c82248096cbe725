"""The only place where the stages are joined: pictures, encoder, store, index and search."""

"""One file a family of networks, found by the first part of an encoder's name.

Each file has one function:

    load(name, pretrained) -> (trunk, preprocessing)

`trunk` is a torch module that maps float32 [n, 3, size, size] to pooled features [n, features];
`preprocessing` says how its input is prepared. `pretrained=False` builds the layers only. It raises
EncoderError for a name that it does not know or weights that it can't get.
"""

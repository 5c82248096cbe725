"""The demo's pictures: photographs that ship with the package, and altered copies made of them."""

"""The five classic jobs of Siamese networks; see README.md in this folder."""

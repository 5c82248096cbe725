"""Train encoders on labelled pictures: a folder of classes to a checkpoint folder."""

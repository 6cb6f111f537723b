"""What a peer is given to do, one script each, run by the peer's own Python: the same layers and the same trees in, one map out."""

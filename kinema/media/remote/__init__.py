"""Videos that lie in a bucket or on a server: listed once a run, and brought to a shard's scratch one after another.

`address` tells what an address is, `stores` opens it, `errors` says what a failure means, `retrying` waits and tries
again, `listing` keeps what was listed, `transfers` brings videos while others are decoded.
"""

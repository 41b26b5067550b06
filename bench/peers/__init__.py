"""Rolling statistics against pandas, bottleneck, numbagg and polars on the same arrays.

    python3 -m bench.peers [--quick] [--isa avx2] [-o records.jsonl]

Run from the repository's root; bench/peers/requirements.txt pins the peers.
"""

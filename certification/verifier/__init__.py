"""The stand-alone verifier of packs of evidence: `kaoku_verify.py` needs Python alone and imports nothing of ours."""

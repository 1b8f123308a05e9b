"""The stages of prior/dvc.yaml, one thin file each.

Run one from the project's root as `python -m prior.stages.NAME`.
"""

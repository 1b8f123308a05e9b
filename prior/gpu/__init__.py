"""The prior's training on a machine that has an accelerator and no network.

Here: `python -m prior.gpu.pack .carry/prior.zip`. There, with this tree, the zip, and a diffusers wheel on the path:
`python -m prior.gpu.train .carry/prior.zip $OUT --minutes 8`. Here again: `python -m prior.gpu.collect FOLDER OUT`.
A second leg goes on from the first's weights: `--begin FOLDER`. Neither needs pydantic, DVC or the drawings' renderer.
"""

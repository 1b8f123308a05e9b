"""The prior's training on a machine that has an accelerator and no network.

Here: `python -m prior.gpu.pack ZIP`, after the stage render. There, where src/, prior/, the zip (43 MiB) and a diffusers
wheel have come, with src, the wheel and this folder's parent on PYTHONPATH: `python -m prior.gpu.train ZIP OUT
--minutes 8`. It composes 120,000 pictures on all cores, encodes their sentences, trains in bf16 and writes the averaged
weights to OUT every minute, in parts of at most 15 MB. Here again: `python -m prior.gpu.collect OUT data/prior/first`.
A second leg goes on from the first's weights, on pictures that are new: `--begin OUT --first 120000`.
Neither pydantic nor DVC nor the renderer of the drawings is needed there.
"""

"""Training of the prior on a machine that has an accelerator and no network.

1. Here, after stage render: `python -m prior.gpu.pack ZIP` writes a zip of 43 MiB.
2. Copy src/, prior/, the zip and a diffusers wheel there; put src, the wheel and this folder's parent on PYTHONPATH.
3. There: `python -m prior.gpu.train ZIP OUT --minutes 8` composes 120,000 pictures on all cores, encodes their sentences,
   trains in bf16, and writes the averaged weights to OUT every minute, in files of at most 15 MB.
4. Here: `python -m prior.gpu.collect OUT data/prior/first` joins the files.

For a second training that begins with the first one's weights, on new pictures, add `--begin OUT --first 120000`.
Pydantic, DVC and the renderer of the drawings are not needed there.
"""

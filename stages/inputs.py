from pathlib import Path

from fundiff.pipeline.files import write_json
from fundiff.pipeline.inputs import named_files
from fundiff.pipeline.params import read_params
from fundiff.pipeline.stage import entry_of, files, guarded, without_inputs
from fundiff.pipeline.versions import versions


def main() -> None:
    outs = files(entry_of("inputs"), "outs")
    found = named_files(read_params()) | {"versions": versions()}
    without_inputs(found, outs)
    for out in outs:
        write_json(out, found.get(Path(out).stem, {}))


if __name__ == "__main__":
    guarded("inputs", main)

// Requests [{style, seed, options}] as JSON on stdin to a JSON list of SVG texts on stdout; argv[2] is the folder
// whose node_modules holds @dicebear.
import { readFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';

const folder = resolve(process.argv[2], 'node_modules/@dicebear');
const load = async (name) => {
  const root = `${folder}/${name}`;
  const { exports, main } = JSON.parse(readFileSync(`${root}/package.json`, 'utf8'));
  const entry = exports?.['.']?.default ?? exports?.['.'] ?? main;
  return import(pathToFileURL(resolve(root, entry)).href);
};
const { createAvatar } = await load('core');
const requests = JSON.parse(readFileSync(0, 'utf8'));
const styles = Object.fromEntries(
  await Promise.all([...new Set(requests.map((r) => r.style))].map(async (s) => [s, await load(s)])),
);
const svgs = requests.map((r) => createAvatar(styles[r.style], { seed: r.seed, ...r.options }).toString());
process.stdout.write(JSON.stringify(svgs));

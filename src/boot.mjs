import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { register } from "tsx/esm/api";

// Runs a TypeScript file: node src/boot.mjs FILE. As an option of node itself (--import) tsx would be loaded by each
// thread that runs workflows too, where it takes 150 MiB of memory and a tenth of the time.

const [, , file, ...others] = process.argv;
// `npm start -- --help` would start everything.
if (others.length > 0) {
  console.error(`No arguments are taken, so not ${others.join(" ")}: settings are variables, see .env.example.`);
  process.exit(2);
}
register();
await import(pathToFileURL(resolve(file)).href);

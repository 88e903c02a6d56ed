import { resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { register } from "tsx/esm/api";

// Runs a TypeScript file: node src/boot.mjs FILE. As an option of node itself (--import) tsx would be loaded by each
// thread that runs workflows too, where it takes 150 MiB of memory and a tenth of the time.

register();
await import(pathToFileURL(resolve(process.argv[2])).href);

import { READY } from "./node-process.ts";

/** Takes all that it is given of a core, until it is killed. */
console.log(READY);
for (;;);

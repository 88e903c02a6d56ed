import { bundleWorkflows } from "../runtime/bundle.ts";

// Part of `npm run check`: workflow code that can't run in Temporal's sandbox fails here.
const { code } = await bundleWorkflows();
console.log(`workflows bundle: ${Math.round(code.length / 1024)} KB`);

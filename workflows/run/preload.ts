import "../engine/advance.ts";
import "../engine/mirror/mirroring.ts";

/**
 * What all runs of a worker share instead of loading it anew for each: pure code, without any state of its own.
 * (Loaded before the first run; see preloadModules in src/runtime/pack-workflows.ts.)
 */

// The SDK notes the stack of every promise that a workflow makes. Deeper than this it would cost more than the engine.
Error.stackTraceLimit = 1;

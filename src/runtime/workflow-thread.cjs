const { globalHandlers } = require("@temporalio/worker/lib/workflow/vm-shared.js");

// The SDK's thread for workflows, without the stack that it notes of each promise to answer the query `__stack_trace`. That takes as
// long as the engine, and of an interpreter it tells nothing. The query is answered by an error that says so.
globalHandlers.setPromiseHook = () => {};

require("@temporalio/worker/lib/workflow/workflow-worker-thread.js");

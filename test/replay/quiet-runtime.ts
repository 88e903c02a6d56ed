import { DefaultLogger, Runtime } from "@temporalio/worker";

// There is one a process, which files may share. What does not replay is told by the test.
Runtime.install({ logger: new DefaultLogger("ERROR", () => {}) });

import type { DevConfig } from "../config.ts";

/** What `npm start` ends with: where everything is, and commands that work as pasted. */
export function welcome({
  dev,
  apiUrl,
  tokenFile,
  waitingRunId,
  link,
}: {
  dev: DevConfig;
  apiUrl: string;
  tokenFile: string;
  waitingRunId: string;
  /** Where the release manager decides in a browser. */
  link?: string;
}): string {
  const webUi = `http://localhost:${dev.temporalUiPort}`;
  const runInWebUi = `${webUi}/namespaces/${dev.temporalNamespace}/workflows/${waitingRunId}`;
  const run = `${apiUrl}/v1/workflow-runs/${waitingRunId}`;
  const bearer = '-H "Authorization: Bearer $TOKEN"';
  return `
Ready. Ctrl-C stops everything; runs go on at the next start.

  API              ${apiUrl}
  API docs         ${apiUrl}/docs
  Temporal Web UI  ${dev.temporalAddress ? `(that of ${dev.temporalAddress})` : webUi}
  Logs             ${dev.dataDir}/*.log

A release waits for its approval:

  API              ${run}
  Temporal Web UI  ${dev.temporalAddress ? `workflow ${waitingRunId}` : runInWebUi}
${link ? `  To decide, once  ${link}\n` : ""}
As its release manager, in the project demo (more tokens: npm run -s token -- --help):

TOKEN=$(cat ${quoted(tokenFile)})

What waits for your decision:

curl -s ${bearer} '${apiUrl}/v1/approvals?mine=true&status=pending'

The steps of that run:

curl -s ${bearer} ${run}/steps

Approve it:

curl -s -X POST ${bearer} ${run}/steps/approval/approve
`;
}

/** As a shell takes it for one word. */
function quoted(path: string): string {
  return /^[\w/.-]+$/.test(path) ? path : `'${path.replaceAll("'", `'\\''`)}'`;
}

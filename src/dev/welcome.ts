import type { DevConfig } from "../config.ts";

/** What `npm start` ends with: where everything is, and two commands that work as pasted. */
export function welcome({
  dev,
  apiUrl,
  token,
  waitingRunId,
  link,
}: {
  dev: DevConfig;
  apiUrl: string;
  token: string;
  waitingRunId: string;
  /** Where the release manager decides in a browser. */
  link?: string;
}): string {
  const bearer = `-H 'Authorization: Bearer ${token}'`;
  const webUi = dev.temporalAddress ? `(that of ${dev.temporalAddress})` : `http://localhost:${dev.temporalUiPort}`;
  return `
Ready. Ctrl-C stops everything; runs go on at the next start.

  API              ${apiUrl}
  Temporal Web UI  ${webUi}
  Logs             ${dev.dataDir}/*.log

A development token (project demo, as release-manager; more: npm run -s token -- --help):

${token}

What waits for the release manager's decision:

curl -s ${bearer} '${apiUrl}/v1/approvals?mine=true&status=pending'

The steps of that run:

curl -s ${bearer} ${apiUrl}/v1/workflow-runs/${waitingRunId}/steps

Approve it:

curl -s -X POST ${bearer} ${apiUrl}/v1/workflow-runs/${waitingRunId}/steps/approval/approve
${
  link
    ? `
Or look at it and decide it in a browser, once, without a token:

${link}
`
    : ""
}`;
}

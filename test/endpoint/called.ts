import { callEndpoint } from "../../activities/endpoint/call-endpoint.ts";
import { createEndpoints } from "../../activities/endpoint/endpoint-agent.ts";
import type { Answer, JobEndpoint } from "../stack/job-endpoint.ts";

const endpoints = createEndpoints(true);
export const call = (url: string, timeoutSecs = 10) =>
  callEndpoint(endpoints, { url, headers: {}, timeoutSecs, canceled: new AbortController().signal });

/** What becomes of an answer, of an endpoint that is made later. */
export const answeredBy = (jobs: () => JobEndpoint) => (answer: Answer) => {
  jobs().on("/answer", () => answer);
  return call(jobs().url("/answer"));
};

export const encoded = (names: string, body: Buffer, headers = {}): Answer => ({
  headers: { "content-encoding": names, ...headers },
  body,
});

import { z } from "zod";

/** The headers that say something of one answer. What every answer carries is http/answer.ts's. */
export const ANSWER_HEADERS = {
  Location: "Where to find what was made, or what became of the command.",
  Link: 'The next page, as `<…>; rel="next"`.',
  "X-Has-More": "Whether there is a next page.",
  "X-Next-Cursor": "The `cursor` of the next page.",
  "X-Left-Out": "How many outputs had no room in this answer, and where to read them.",
  "X-Ignored-Fields": "Fields of the body that have no effect.",
  "Retry-After": "In how many seconds to try again.",
  "WWW-Authenticate": "How to authenticate.",
  Allow: "The methods that there are.",
} as const;
export type AnswerHeader = keyof typeof ANSWER_HEADERS;

/** What comes with an answer of this schema. Those that follow from its status or its route need no mention here. */
export const withHeaders = z.registry<{ headers: AnswerHeader[] }>();

import type proto from "@temporalio/proto";

export type History = proto.temporal.api.history.v1.IHistory;

/** Where today's workflows decide otherwise than those that recorded a history: the first event that they do not lead to, and why. */
export interface Divergence {
  event: number;
  message: string;
}

/** What became of a command: `code` and `error` are those that its verb would have been refused with. */
export interface CommandStatus {
  command_id: string;
  /** As its route is named; "cancel" for DELETE. */
  verb: string;
  step_ref?: string;
  actor: string;
  status: "pending" | "applied" | "refused";
  /** When it was answered 202. */
  accepted_at?: string;
  /** When it was applied or refused. */
  settled_at?: string;
  reset_steps?: number;
  code?: string;
  error?: string;
  message?: string;
}

-- Payloads that a recovery gave to single steps in place of their definition's: {step_ref: document}.
alter table workflow_runs add column step_payloads json;

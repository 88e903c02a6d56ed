-- The two largest tables are read through, each in its own transaction with 0030: writes wait for no longer than one of them takes.
create index step_runs_output_ref on step_runs (output_ref) where output_ref is not null;
create index job_runs_output_ref on job_runs (output_ref) where output_ref is not null;

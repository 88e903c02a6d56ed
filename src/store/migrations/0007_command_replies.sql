-- What a command showed when it was applied: {run, step?, approval?, trigger?}, as rows. Its caller is answered by it.
alter table run_commands add column shown json;

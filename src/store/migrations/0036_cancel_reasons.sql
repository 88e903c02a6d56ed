-- Why a run was to be canceled, as who asked for it said.
alter table accepted_commands add column reason text;

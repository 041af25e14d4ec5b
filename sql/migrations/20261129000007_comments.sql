-- migrate:up

-- What each table, view and column means: psql shows it (\d+), and docs/data.md lists it. The columns
-- of records have the descriptions of service/tables.py. A comment locks no readers and no imports.

SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '1min';

COMMENT ON TABLE clients IS 'The clients: organisations or systems whose data never mix.';
COMMENT ON COLUMN clients.client_id IS 'Number of the client.';
COMMENT ON COLUMN clients.name IS 'Name of the client, for people.';
COMMENT ON COLUMN clients.created_at IS 'When the client was added.';
COMMENT ON COLUMN clients.disabled_at IS 'When the client was disabled; null if it is not.';

COMMENT ON TABLE projects IS 'The projects, each with its current version.';
COMMENT ON COLUMN projects.client_id IS 'Number of the client.';
COMMENT ON COLUMN projects.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN projects.external_id IS
    'Identifier of the project in its file, such as a GUID or a P6 project id.';
COMMENT ON COLUMN projects.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN projects.content_hash IS
    'Hash of the content of the current version, by which an import finds it unchanged.';
COMMENT ON COLUMN projects.archived_at IS 'When the project was archived; null if it is not.';

COMMENT ON TABLE project_versions IS
    'One row for each stored version of a project, with what its file states about the project itself.';
COMMENT ON COLUMN project_versions.client_id IS 'Number of the client.';
COMMENT ON COLUMN project_versions.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN project_versions.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN project_versions.import_id IS
    'Number of the import or undo that wrote the version; null if a user archived or restored the project.';
COMMENT ON COLUMN project_versions.created_at IS 'When the version was stored.';
COMMENT ON COLUMN project_versions.created_by IS
    'User who stored the version; empty if the token names none.';
COMMENT ON COLUMN project_versions.content_hash IS
    'Hash of the content, by which an import finds the project unchanged.';
COMMENT ON COLUMN project_versions.shared_objects IS
    'Hashes of the objects in `shared_objects` that the version refers to.';
COMMENT ON COLUMN project_versions.archived_at IS
    'When the project was archived, as of this version; null if it was not.';
COMMENT ON COLUMN project_versions.name IS 'Name of the project.';
COMMENT ON COLUMN project_versions.code IS 'Short code of the project, for people.';
COMMENT ON COLUMN project_versions.status IS
    'Status in the planning tool. The service does not interpret it.';
COMMENT ON COLUMN project_versions.description IS 'Description of the project.';
COMMENT ON COLUMN project_versions.manager IS 'Name of the project manager.';
COMMENT ON COLUMN project_versions.currency IS 'Currency of the project, such as `EUR`.';
COMMENT ON COLUMN project_versions.start IS 'Start of the project.';
COMMENT ON COLUMN project_versions.finish IS 'Finish of the project.';
COMMENT ON COLUMN project_versions.priority IS 'Priority, on the scale of the planning tool.';
COMMENT ON COLUMN project_versions.source IS 'Format of the original file: `native`, `mspdi`, `p6`, or the name of an own format.';
COMMENT ON COLUMN project_versions.data_date IS 'Data date (status date): progress is stated up to it.';
COMMENT ON COLUMN project_versions.must_finish IS 'Date by which the project must finish.';
COMMENT ON COLUMN project_versions.calendar_id IS
    'Identifier in the file of the project''s default calendar.';
COMMENT ON COLUMN project_versions.baseline_of IS
    'Identifier in the file of the project that this one copies.';
COMMENT ON COLUMN project_versions.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE tasks IS
    'The activities, summary tasks and elements of the work breakdown structure of each version.';
COMMENT ON COLUMN tasks.client_id IS 'Number of the client.';
COMMENT ON COLUMN tasks.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN tasks.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN tasks.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN tasks.task_id IS 'Identifier of the task in its file.';
COMMENT ON COLUMN tasks.kind IS
    '`activity`, or `wbs` for an element of the work breakdown structure. One of `activity`, `wbs`.';
COMMENT ON COLUMN tasks.parent_id IS '`task_id` of the task above this one in the outline.';
COMMENT ON COLUMN tasks.wbs IS 'Code of the task in the outline, such as `1.2.3`.';
COMMENT ON COLUMN tasks.name IS 'Name of the task.';
COMMENT ON COLUMN tasks.start IS 'Start of the task.';
COMMENT ON COLUMN tasks.finish IS 'Finish of the task.';
COMMENT ON COLUMN tasks.duration IS 'Duration in working time.';
COMMENT ON COLUMN tasks.work IS 'Labor that the task takes.';
COMMENT ON COLUMN tasks.percent_complete IS 'Progress in percent, from 0 to 100.';
COMMENT ON COLUMN tasks.priority IS 'Priority, on the scale of the planning tool.';
COMMENT ON COLUMN tasks.milestone IS 'Whether the task is a milestone.';
COMMENT ON COLUMN tasks.summary IS 'Whether the task sums up those below it.';
COMMENT ON COLUMN tasks.notes IS 'Notes on the task.';
COMMENT ON COLUMN tasks.code IS 'Activity ID in P6, such as `A1010`.';
COMMENT ON COLUMN tasks.guid IS 'GUID of the task, without braces, in lower case.';
COMMENT ON COLUMN tasks.status IS 'Status in the planning tool, such as `In Progress`.';
COMMENT ON COLUMN tasks.actual_start IS 'When work started; null if it has not.';
COMMENT ON COLUMN tasks.actual_finish IS 'When work ended; null if it has not.';
COMMENT ON COLUMN tasks.early_start IS 'Earliest start that the links allow.';
COMMENT ON COLUMN tasks.early_finish IS 'Earliest finish that the links allow.';
COMMENT ON COLUMN tasks.late_start IS 'Latest start that does not delay the project.';
COMMENT ON COLUMN tasks.late_finish IS 'Latest finish that does not delay the project.';
COMMENT ON COLUMN tasks.actual_duration IS 'Working time from the actual start until now.';
COMMENT ON COLUMN tasks.remaining_duration IS 'Working time until the finish.';
COMMENT ON COLUMN tasks.actual_work IS 'Labor that is done.';
COMMENT ON COLUMN tasks.remaining_work IS 'Labor that is left.';
COMMENT ON COLUMN tasks.constraint_type IS
    'Constraint on the dates. One of `as_soon_as_possible`, `as_late_as_possible`, `must_start_on`, `must_finish_on`, `start_on`, `finish_on`, `start_no_earlier_than`, `start_no_later_than`, `finish_no_earlier_than`, `finish_no_later_than`.';
COMMENT ON COLUMN tasks.constraint_date IS 'Date of the constraint.';
COMMENT ON COLUMN tasks.deadline IS 'Date by which the task should finish.';
COMMENT ON COLUMN tasks.total_float IS 'Delay that does not delay the project.';
COMMENT ON COLUMN tasks.free_float IS 'Delay that does not delay a successor.';
COMMENT ON COLUMN tasks.critical IS 'Whether the planning tool says that it is critical.';
COMMENT ON COLUMN tasks.calendar_id IS 'Identifier in the file of the task''s calendar.';
COMMENT ON COLUMN tasks.physical_percent_complete IS 'Physical progress in percent, 0 to 100.';
COMMENT ON COLUMN tasks.cost IS 'Cost at completion, in the project''s currency.';
COMMENT ON COLUMN tasks.actual_cost IS 'Cost of the work that is done.';
COMMENT ON COLUMN tasks.remaining_cost IS 'Cost of the work that is left.';
COMMENT ON COLUMN tasks.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE dependencies IS 'The links between two tasks of the same project, of each version.';
COMMENT ON COLUMN dependencies.client_id IS 'Number of the client.';
COMMENT ON COLUMN dependencies.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN dependencies.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN dependencies.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN dependencies.predecessor_id IS '`task_id` of the task that comes first.';
COMMENT ON COLUMN dependencies.successor_id IS '`task_id` of the task that depends on it.';
COMMENT ON COLUMN dependencies.type IS
    'Which ends the dependency links: `FS` is finish to start. One of `FS`, `SS`, `FF`, `SF`.';
COMMENT ON COLUMN dependencies.lag IS 'Wait between the two ends; a lead is negative.';
COMMENT ON COLUMN dependencies.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE resources IS 'The resources that a project lists, of each version.';
COMMENT ON COLUMN resources.client_id IS 'Number of the client.';
COMMENT ON COLUMN resources.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN resources.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN resources.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN resources.resource_id IS 'Identifier of the resource in its file.';
COMMENT ON COLUMN resources.name IS 'Name of the resource.';
COMMENT ON COLUMN resources.type IS
    'Kind of resource: people are `work`, machines are `nonlabor`. One of `work`, `material`, `cost`, `nonlabor`.';
COMMENT ON COLUMN resources.email IS 'E-mail address of the resource.';
COMMENT ON COLUMN resources.code IS 'Short code of the resource, for people.';
COMMENT ON COLUMN resources.max_units IS 'Most that is available at a time; 1 is full time.';
COMMENT ON COLUMN resources.calendar_id IS 'Identifier in the file of the resource''s calendar.';
COMMENT ON COLUMN resources.standard_rate IS 'Cost of an hour, or of a unit of a material.';
COMMENT ON COLUMN resources.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE assignments IS 'The assignments of resources to tasks, of each version.';
COMMENT ON COLUMN assignments.client_id IS 'Number of the client.';
COMMENT ON COLUMN assignments.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN assignments.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN assignments.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN assignments.task_id IS '`task_id` of the task that the resource works on.';
COMMENT ON COLUMN assignments.resource_id IS '`resource_id` of the resource that works on the task.';
COMMENT ON COLUMN assignments.units IS 'Share of the resource; 1 is full time.';
COMMENT ON COLUMN assignments.work IS 'Work of the resource on the task.';
COMMENT ON COLUMN assignments.start IS 'Start of the resource''s work on the task.';
COMMENT ON COLUMN assignments.finish IS 'Finish of the resource''s work on the task.';
COMMENT ON COLUMN assignments.actual_work IS 'Work that is done.';
COMMENT ON COLUMN assignments.remaining_work IS 'Work that is left.';
COMMENT ON COLUMN assignments.cost IS 'Cost at completion, in the project''s currency.';
COMMENT ON COLUMN assignments.actual_cost IS 'Cost of the work that is done.';
COMMENT ON COLUMN assignments.role_id IS 'Identifier in the file of the role that is assigned.';
COMMENT ON COLUMN assignments.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE project_parts IS
    'The structured parts of a project that have no table, such as calendars, of each version.';
COMMENT ON COLUMN project_parts.client_id IS 'Number of the client.';
COMMENT ON COLUMN project_parts.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN project_parts.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN project_parts.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN project_parts.element IS 'Name of the element in the file, such as `Calendar`.';
COMMENT ON COLUMN project_parts.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE shared_objects IS
    'The objects outside the projects of a file, such as calendars and codes of P6, stored once for each content.';
COMMENT ON COLUMN shared_objects.client_id IS 'Number of the client.';
COMMENT ON COLUMN shared_objects.hash IS 'Hash of the object, by which versions refer to it.';
COMMENT ON COLUMN shared_objects.element IS 'Name of the element in the file, such as `Calendar`.';
COMMENT ON COLUMN shared_objects.object_id IS 'Identifier of the object in the file.';
COMMENT ON COLUMN shared_objects.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE imports IS 'The imports: one row for each upload, and one for each undo.';
COMMENT ON COLUMN imports.client_id IS 'Number of the client.';
COMMENT ON COLUMN imports.import_id IS 'Number of the import, given by the service.';
COMMENT ON COLUMN imports.attempt IS
    'Number of the attempt, from 1; continuing an interrupted import begins the next one.';
COMMENT ON COLUMN imports.state IS
    'State of the import: `running`, `completed`, `failed`, `interrupted` or `cancelled`.';
COMMENT ON COLUMN imports.subject IS 'User who sent the file; empty if the token names none.';
COMMENT ON COLUMN imports.idempotency_key IS '`Idempotency-Key` of the upload; null if it had none.';
COMMENT ON COLUMN imports.options IS 'Options of the import that differ from the defaults.';
COMMENT ON COLUMN imports.notes IS 'Comment that was sent with the file.';
COMMENT ON COLUMN imports.filename IS 'Name of the file.';
COMMENT ON COLUMN imports.dialect IS 'Format of the file: `native`, `mspdi`, `p6`, or the name of an own format.';
COMMENT ON COLUMN imports.bytes_read IS 'Bytes of the file that were read.';
COMMENT ON COLUMN imports.warnings IS 'Warnings about the file as a whole.';
COMMENT ON COLUMN imports.cause IS 'Why the import did not complete.';
COMMENT ON COLUMN imports.counts IS 'Number of projects of each outcome, and whether they are complete.';
COMMENT ON COLUMN imports.request_id IS 'Identifier of the HTTP request, as in the log.';
COMMENT ON COLUMN imports.traceparent IS 'Trace of the HTTP request, in the W3C format.';
COMMENT ON COLUMN imports.started_at IS 'When the import began.';
COMMENT ON COLUMN imports.ended_at IS 'When the import ended; null while it runs.';
COMMENT ON COLUMN imports.key_claimed_at IS
    'Since when the import holds its key; null if the key is free.';
COMMENT ON COLUMN imports.fingerprint IS
    'Fingerprint of the upload, by which a repeated one is recognized.';
COMMENT ON COLUMN imports.outcomes_pruned_at IS
    'When pruning deleted the first outcomes of the import; null if all are there.';

COMMENT ON TABLE import_progress IS 'The heartbeat and progress of each import.';
COMMENT ON COLUMN import_progress.client_id IS 'Number of the client.';
COMMENT ON COLUMN import_progress.import_id IS 'Number of the import, given by the service.';
COMMENT ON COLUMN import_progress.attempt IS 'Number of the attempt that sends the heartbeats.';
COMMENT ON COLUMN import_progress.beat_at IS 'When the import sent its last heartbeat.';
COMMENT ON COLUMN import_progress.bytes_read IS 'Bytes of the file that were read by then.';
COMMENT ON COLUMN import_progress.projects_done IS 'Number of projects with an outcome by then.';
COMMENT ON COLUMN import_progress.cancel_requested IS 'Whether a user asked to cancel the import.';
COMMENT ON COLUMN import_progress.nonce IS 'Random value of the process that runs the import.';
COMMENT ON COLUMN import_progress.cancelled_by IS 'User who asked to cancel the import.';
COMMENT ON COLUMN import_progress.suspected_at IS
    'Since when the import is suspected to be dead; null if it never was.';

COMMENT ON TABLE import_results IS 'The outcomes: one row for each project of an imported file.';
COMMENT ON COLUMN import_results.client_id IS 'Number of the client.';
COMMENT ON COLUMN import_results.import_id IS 'Number of the import, given by the service.';
COMMENT ON COLUMN import_results.attempt IS 'Number of the attempt that wrote the outcome.';
COMMENT ON COLUMN import_results.index IS 'Position of the project in the file, from 0.';
COMMENT ON COLUMN import_results.outcome IS
    'Outcome of the project: `created`, `updated`, `unchanged` or `failed`.';
COMMENT ON COLUMN import_results.external_id IS
    'Identifier of the project in its file; null if the file states none.';
COMMENT ON COLUMN import_results.name IS 'Name of the project.';
COMMENT ON COLUMN import_results.project_id IS
    'Number of the project, given by the service; null if it is not stored.';
COMMENT ON COLUMN import_results.version IS
    'Number of the current version after the import; null if the project is not stored.';
COMMENT ON COLUMN import_results.tasks IS 'Number of tasks of the project.';
COMMENT ON COLUMN import_results.line IS 'Line of the file at which the fault is.';
COMMENT ON COLUMN import_results.error IS 'Code of the error; null unless the project failed.';
COMMENT ON COLUMN import_results.message IS 'What is wrong, in words; null unless the project failed.';
COMMENT ON COLUMN import_results.extra IS 'Further members of the error, by name.';
COMMENT ON COLUMN import_results.warnings IS
    'Warnings about the project: their number and the first ones.';

COMMENT ON TABLE project_locks IS
    'The locks by which users reserve a project: imports of others are refused.';
COMMENT ON COLUMN project_locks.client_id IS 'Number of the client.';
COMMENT ON COLUMN project_locks.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN project_locks.holder IS 'User who holds the lock.';
COMMENT ON COLUMN project_locks.acquired_at IS 'When the user took the lock.';
COMMENT ON COLUMN project_locks.expires_at IS 'When the lock ends by itself.';

COMMENT ON TABLE lock_breaks IS 'The locks that another user than their holder ended.';
COMMENT ON COLUMN lock_breaks.client_id IS 'Number of the client.';
COMMENT ON COLUMN lock_breaks.break_id IS 'Number of the row.';
COMMENT ON COLUMN lock_breaks.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN lock_breaks.holder IS 'User who held the lock.';
COMMENT ON COLUMN lock_breaks.expires_at IS 'When the lock would have ended by itself.';
COMMENT ON COLUMN lock_breaks.broken_by IS 'User who ended the lock.';
COMMENT ON COLUMN lock_breaks.reason IS 'Why, in the words of that user.';
COMMENT ON COLUMN lock_breaks.broken_at IS 'When the lock was ended.';

COMMENT ON TABLE pruned_versions IS 'The deleted versions whose rows pruning still has to delete.';
COMMENT ON COLUMN pruned_versions.client_id IS 'Number of the client.';
COMMENT ON COLUMN pruned_versions.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN pruned_versions.version IS 'Number of the deleted version.';

COMMENT ON TABLE prune_state IS 'One row with the state of pruning.';
COMMENT ON COLUMN prune_state.only_row IS 'Always true: the table has one row.';
COMMENT ON COLUMN prune_state.began_at IS 'When the last complete round of pruning began.';
COMMENT ON COLUMN prune_state.swept_at IS 'When the last round that visited all clients began.';
COMMENT ON COLUMN prune_state.settings IS 'Settings of that round.';

COMMENT ON TABLE schema_migrations IS 'The migrations that the database has.';
COMMENT ON COLUMN schema_migrations.version IS
    'Number of the migration: the digits at the beginning of its file name.';

COMMENT ON TABLE report.readers IS 'The clients that each role may read in the schema `report`.';
COMMENT ON COLUMN report.readers.client_id IS 'Number of the client.';
COMMENT ON COLUMN report.readers.role IS 'Role of the reader.';
COMMENT ON COLUMN report.readers.granted_at IS 'When the client was granted to the role.';

COMMENT ON TABLE baselines IS 'The baselines of each version of a project.';
COMMENT ON COLUMN baselines.client_id IS 'Number of the client.';
COMMENT ON COLUMN baselines.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN baselines.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN baselines.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN baselines.number IS 'Number of the baseline within its version.';
COMMENT ON COLUMN baselines.name IS 'Name of the baseline.';
COMMENT ON COLUMN baselines.type IS 'Type of the baseline in the planning tool.';
COMMENT ON COLUMN baselines.current IS
    'Whether the file says that the plan is compared with this baseline.';
COMMENT ON COLUMN baselines.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON TABLE baseline_tasks IS 'The tasks of each baseline.';
COMMENT ON COLUMN baseline_tasks.client_id IS 'Number of the client.';
COMMENT ON COLUMN baseline_tasks.project_id IS 'Number of the project, given by the service.';
COMMENT ON COLUMN baseline_tasks.version IS 'Number of the version, from 1.';
COMMENT ON COLUMN baseline_tasks.ordinal IS 'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN baseline_tasks.number IS '`number` of the baseline of the same version.';
COMMENT ON COLUMN baseline_tasks.kind IS
    '`activity`, or `wbs` for an element of the work breakdown structure. One of `activity`, `wbs`.';
COMMENT ON COLUMN baseline_tasks.task_id IS
    'Identifier of the task in the baseline; that of the task itself in Microsoft Project.';
COMMENT ON COLUMN baseline_tasks.code IS 'Activity ID in P6, which the task of the plan has too.';
COMMENT ON COLUMN baseline_tasks.name IS 'Name of the task in the baseline.';
COMMENT ON COLUMN baseline_tasks.start IS 'Start of the task in the baseline.';
COMMENT ON COLUMN baseline_tasks.finish IS 'Finish of the task in the baseline.';
COMMENT ON COLUMN baseline_tasks.duration IS 'Duration in working time in the baseline.';
COMMENT ON COLUMN baseline_tasks.work IS 'Labor that the task takes in the baseline.';
COMMENT ON COLUMN baseline_tasks.cost IS 'Cost in the baseline, in the project''s currency.';
COMMENT ON COLUMN baseline_tasks.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON VIEW current_projects IS 'The current version of each project.';

COMMENT ON VIEW current_tasks IS 'The tasks of the current version of each project.';

COMMENT ON VIEW current_dependencies IS
    'The links between tasks of the current version of each project.';

COMMENT ON VIEW current_resources IS 'The resources of the current version of each project.';

COMMENT ON VIEW current_assignments IS 'The assignments of the current version of each project.';

COMMENT ON VIEW current_project_parts IS
    'The parts without a table of the current version of each project.';

COMMENT ON VIEW report.clients IS 'The clients that the current role may read.';

COMMENT ON VIEW current_baselines IS 'The baselines of the current version of each project.';

COMMENT ON VIEW current_baseline_tasks IS
    'The tasks of the baselines of the current version of each project.';

COMMENT ON VIEW report.projects IS 'The current version of each project that is not archived.';

COMMENT ON VIEW report.project_versions IS
    'All stored versions of each project that is not archived: how its dates moved.';
COMMENT ON COLUMN report.project_versions.is_current IS
    'Whether it is the current version of the project.';

COMMENT ON VIEW report.tasks IS 'The tasks of each project.';

COMMENT ON VIEW report.task_versions IS
    'The tasks of all stored versions of each project: compare two of them.';
COMMENT ON COLUMN report.task_versions.is_current IS 'Whether it is the current version of the project.';

COMMENT ON VIEW report.wbs_path IS 'The way from the root of the outline to each task.';
COMMENT ON COLUMN report.wbs_path.level IS 'Level in the outline, from 1.';
COMMENT ON COLUMN report.wbs_path.code_path IS
    'Codes of the tasks from the root to this one, separated by ` / `.';
COMMENT ON COLUMN report.wbs_path.name_path IS
    'Names of the tasks from the root to this one, separated by ` / `.';

COMMENT ON VIEW report.dependencies IS 'The links between tasks, also those to other projects.';

COMMENT ON VIEW report.resources IS 'The resources that each project lists.';

COMMENT ON VIEW report.assignments IS 'The assignments of resources to tasks, with the names of both.';
COMMENT ON COLUMN report.assignments.task_id IS '`task_id` of the task that the resource works on.';
COMMENT ON COLUMN report.assignments.resource_id IS
    '`resource_id` of the resource that works on the task.';

COMMENT ON VIEW report.baselines IS 'The baselines of each project.';
COMMENT ON COLUMN report.baselines.is_current IS
    'Whether the file says that the plan is compared with this baseline.';

COMMENT ON VIEW report.baseline_tasks IS 'The tasks of each baseline.';

COMMENT ON VIEW report.task_variance IS
    'Each task of a project with a current baseline, compared with it.';
COMMENT ON COLUMN report.task_variance.task_id IS 'Identifier of the task in its file.';
COMMENT ON COLUMN report.task_variance.in_baseline IS 'Whether the baseline has the task.';
COMMENT ON COLUMN report.task_variance.start IS 'Start of the task.';
COMMENT ON COLUMN report.task_variance.baseline_start IS 'Start of the task in the baseline.';
COMMENT ON COLUMN report.task_variance.start_variance_days IS
    'Days by which the start is later than in the baseline.';
COMMENT ON COLUMN report.task_variance.finish IS 'Finish of the task.';
COMMENT ON COLUMN report.task_variance.baseline_finish IS 'Finish of the task in the baseline.';
COMMENT ON COLUMN report.task_variance.finish_variance_days IS
    'Days by which the finish is later than in the baseline.';
COMMENT ON COLUMN report.task_variance.baseline_duration_hours IS
    'Duration in the baseline, in hours of working time.';
COMMENT ON COLUMN report.task_variance.duration_variance_hours IS
    'Hours by which the duration is longer than in the baseline.';
COMMENT ON COLUMN report.task_variance.baseline_work_hours IS 'Work in the baseline, in hours.';
COMMENT ON COLUMN report.task_variance.work_variance_hours IS
    'Hours by which the work is more than in the baseline.';
COMMENT ON COLUMN report.task_variance.cost IS 'Cost at completion, in the project''s currency.';
COMMENT ON COLUMN report.task_variance.baseline_cost IS
    'Cost in the baseline, in the project''s currency.';
COMMENT ON COLUMN report.task_variance.cost_variance IS
    'Amount by which the cost is higher than in the baseline.';

COMMENT ON VIEW report.resource_load IS
    'The work of each resource in each week, spread over the weekdays of its assignments. Work without a resource is left out, and so is an assignment of a century or more.';
COMMENT ON COLUMN report.resource_load.resource_id IS 'Identifier of the resource in its file.';
COMMENT ON COLUMN report.resource_load.week_start IS 'Monday of the week.';
COMMENT ON COLUMN report.resource_load.iso_week IS 'Week in the form of ISO 8601, such as `2026-W11`.';

COMMENT ON VIEW report.imports IS 'The imports: who imported which file, with which outcomes.';
COMMENT ON COLUMN report.imports.imported_by IS 'User who sent the file; empty if the token names none.';
COMMENT ON COLUMN report.imports.format IS 'Format of the file: `native`, `mspdi`, `p6`, or the name of an own format.';
COMMENT ON COLUMN report.imports.duration_seconds IS 'Seconds from the beginning to the end.';
COMMENT ON COLUMN report.imports.created IS 'Number of projects that were created.';
COMMENT ON COLUMN report.imports.updated IS 'Number of projects that were updated.';
COMMENT ON COLUMN report.imports.unchanged IS 'Number of projects that were stored already.';
COMMENT ON COLUMN report.imports.failed IS 'Number of projects that failed.';
COMMENT ON COLUMN report.imports.is_dry_run IS 'Whether nothing was to be stored.';
COMMENT ON COLUMN report.imports.undo_of IS
    'Number of the import that this one undoes; null if it is none.';

COMMENT ON VIEW report.import_results IS 'The outcomes: one row for each project of an imported file.';
COMMENT ON COLUMN report.import_results.imported_by IS
    'User who sent the file; empty if the token names none.';
COMMENT ON COLUMN report.import_results.warnings IS 'Number of warnings about the project.';

COMMENT ON VIEW current_shared_objects IS
    'The shared objects that the current version of each project refers to.';

COMMENT ON VIEW current_objects IS
    'The parts and shared objects of the current version of each project.';
COMMENT ON COLUMN current_objects.object_id IS 'Identifier of the object in the file.';
COMMENT ON COLUMN current_objects.element IS 'Name of the element in the file, such as `Calendar`.';
COMMENT ON COLUMN current_objects.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON VIEW current_records IS
    'The project itself, its tasks, resources, assignments and parts, as one list.';
COMMENT ON COLUMN current_records.kind IS 'Kind of a task: `activity` or `wbs`; null for other records.';
COMMENT ON COLUMN current_records.ordinal IS
    'Position among the project''s records in the file, from 0.';
COMMENT ON COLUMN current_records.task_id IS
    'Identifier in the file of the task that the record belongs to.';
COMMENT ON COLUMN current_records.resource_id IS
    'Identifier in the file of the resource that the record belongs to.';
COMMENT ON COLUMN current_records.attributes IS
    'Everything in the file that no other column holds: texts, arrays and objects by name.';

COMMENT ON VIEW current_calendars IS 'The calendars of the current version of each project.';
COMMENT ON COLUMN current_calendars.calendar_id IS 'Identifier of the calendar in its file.';
COMMENT ON COLUMN current_calendars.name IS 'Name of the calendar.';
COMMENT ON COLUMN current_calendars.type IS 'Type of the calendar in the planning tool.';

COMMENT ON VIEW current_calendar_weeks IS
    'The working week of each calendar: a row for each shift, or for a day without one.';
COMMENT ON COLUMN current_calendar_weeks.calendar_id IS 'Identifier of the calendar in its file.';
COMMENT ON COLUMN current_calendar_weeks.duration IS 'Duration of the shift.';

COMMENT ON VIEW current_calendar_exceptions IS
    'The days on which a calendar differs from its week: a row for each shift, or for days without one.';
COMMENT ON COLUMN current_calendar_exceptions.calendar_id IS 'Identifier of the calendar in its file.';
COMMENT ON COLUMN current_calendar_exceptions.exception IS 'Number of the exception in its calendar.';
COMMENT ON COLUMN current_calendar_exceptions.name IS 'Name of the exception.';
COMMENT ON COLUMN current_calendar_exceptions.from_date IS 'First day of the exception.';
COMMENT ON COLUMN current_calendar_exceptions.to_date IS 'Last day of the exception.';
COMMENT ON COLUMN current_calendar_exceptions.duration IS 'Duration of the shift.';

COMMENT ON VIEW current_code_values IS 'The values that the codes of a project can have.';
COMMENT ON COLUMN current_code_values.type IS 'Name of the type of code.';
COMMENT ON COLUMN current_code_values.value IS 'The value.';
COMMENT ON COLUMN current_code_values.description IS 'Description of the value.';

COMMENT ON VIEW current_codes IS 'The codes of the records of each project.';
COMMENT ON COLUMN current_codes.type IS 'Name of the type of code; null if the file does not define it.';
COMMENT ON COLUMN current_codes.value IS 'The value; null if the file does not define it.';
COMMENT ON COLUMN current_codes.description IS 'Description of the value.';

COMMENT ON VIEW current_task_codes IS 'The codes of the tasks of each project.';
COMMENT ON COLUMN current_task_codes.task_id IS 'Identifier of the task in its file.';

COMMENT ON VIEW current_project_codes IS 'The codes of each project itself.';

COMMENT ON VIEW current_resource_codes IS 'The codes of the resources of each project.';
COMMENT ON COLUMN current_resource_codes.resource_id IS 'Identifier of the resource in its file.';

COMMENT ON VIEW current_custom_field_types IS 'The definitions of custom fields.';
COMMENT ON COLUMN current_custom_field_types.name IS
    'Name of the field in Microsoft Project, such as `Text1`.';
COMMENT ON COLUMN current_custom_field_types.type IS
    'Type of the field in lower case, such as `text` or `cost`.';
COMMENT ON COLUMN current_custom_field_types.subject IS 'What the field belongs to, as the file has it.';

COMMENT ON VIEW current_custom_fields IS 'The values of custom fields of the records of each project.';
COMMENT ON COLUMN current_custom_fields.type IS
    'Type of the field in lower case, such as `text` or `cost`; null if it is not known.';
COMMENT ON COLUMN current_custom_fields.value IS 'The value as the file has it.';

COMMENT ON VIEW current_notes IS 'The notes on projects, tasks, resources and assignments.';
COMMENT ON COLUMN current_notes.kind IS 'Kind of a task: `activity` or `wbs`; null for other records.';
COMMENT ON COLUMN current_notes.topic IS 'Topic of the note; null if it has none.';
COMMENT ON COLUMN current_notes.note IS 'The note as the file has it.';
COMMENT ON COLUMN current_notes.text IS 'The note without HTML.';

COMMENT ON VIEW current_timephased IS 'Values by period, such as work by day.';
COMMENT ON COLUMN current_timephased.kind IS 'Kind of a task: `activity` or `wbs`; null for other records.';
COMMENT ON COLUMN current_timephased.task_id IS 'Identifier in the file of the task that the record belongs to.';
COMMENT ON COLUMN current_timephased.type IS 'What is measured, such as `actual_work`.';
COMMENT ON COLUMN current_timephased.baseline IS 'Number of the baseline; null if it is the plan.';
COMMENT ON COLUMN current_timephased.start IS 'Start of the period.';
COMMENT ON COLUMN current_timephased.finish IS 'End of the period.';
COMMENT ON COLUMN current_timephased.unit IS 'Unit of the period, such as `day`.';
COMMENT ON COLUMN current_timephased.value IS 'The value as the file has it.';

COMMENT ON VIEW current_external_dependencies IS 'The links to tasks of other projects.';
COMMENT ON COLUMN current_external_dependencies.predecessor_id IS
    '`task_id` of the task that comes first.';
COMMENT ON COLUMN current_external_dependencies.successor_id IS
    '`task_id` of the task that depends on it.';
COMMENT ON COLUMN current_external_dependencies.type IS
    'Which ends the dependency links: `FS` is finish to start.';
COMMENT ON COLUMN current_external_dependencies.lag IS 'Wait between the two ends; a lead is negative.';

COMMENT ON COLUMN report.task_codes.task_id IS 'Identifier of the task in its file.';

COMMENT ON COLUMN current_checked_tasks.task_id IS 'Identifier of the task in its file.';
COMMENT ON COLUMN current_checked_tasks.code IS 'Activity ID in P6, such as `A1010`.';

COMMENT ON COLUMN current_check_findings.task_id IS 'Identifier of the task in its file.';
COMMENT ON COLUMN current_check_findings.code IS 'Activity ID in P6, such as `A1010`.';

-- Columns that mean the same in every view that computes them, or that gives them another name than
-- their table.
DO $$
DECLARE
    given text;
BEGIN
    FOR given IN
        SELECT format('COMMENT ON COLUMN %s.%I IS %L', v.oid::regclass, a.attname, t.comment)
          FROM (VALUES
               ('project_name', 'Name of the project.'),
               ('project_code', 'Short code of the project, for people.'),
               ('task_code', 'Activity ID in P6, such as `A1010`.'),
               ('task_name', 'Name of the task.'),
               ('parent_task_id', '`task_id` of the task above this one in the outline.'),
               ('is_summary', 'Whether the task sums up those below it.'),
               ('is_milestone', 'Whether the task is a milestone.'),
               ('is_critical', 'Whether the planning tool says that it is critical.'),
               ('resource_code', 'Short code of the resource, for people.'),
               ('resource_name', 'Name of the resource.'),
               ('resource_type', 'Kind of resource: people are `work`, machines are `nonlabor`. One of `work`, `material`, `cost`, `nonlabor`.'),
               ('imported_at', 'When the import or the user stored it.'),
               ('imported_by', 'User who stored it; empty if the token names none.'),
               ('duration_hours', 'Duration in hours of working time.'),
               ('actual_duration_hours', 'Working time from the actual start until now, in hours.'),
               ('remaining_duration_hours', 'Working time until the finish, in hours.'),
               ('total_float_hours', 'Total float in hours of working time.'),
               ('free_float_hours', 'Free float in hours of working time.'),
               ('work_hours', 'Work in hours.'),
               ('actual_work_hours', 'Work that is done, in hours.'),
               ('remaining_work_hours', 'Work that is left, in hours.'),
               ('lag_hours', 'Lag in hours; a lead is negative.'),
               ('baseline_number', 'Number of the baseline within its version.'),
               ('baseline_name', 'Name of the baseline.'),
               ('predecessor_project', 'Number of the project of the predecessor; null if it is not stored.'),
               ('predecessor_external_id', 'Identifier in its file of the project of the predecessor; null if it is not stored.'),
               ('predecessor_reference', 'Project of the predecessor as the file names it.'),
               ('predecessor_code', 'Activity ID in P6 of the predecessor.'),
               ('predecessor_name', 'Name of the predecessor.'),
               ('successor_project', 'Number of the project of the successor; null if it is not stored.'),
               ('successor_external_id', 'Identifier in its file of the project of the successor; null if it is not stored.'),
               ('successor_reference', 'Project of the successor as the file names it.'),
               ('successor_code', 'Activity ID in P6 of the successor.'),
               ('successor_name', 'Name of the successor.'),
               ('is_external', 'Whether the link leads to another project.'),
               ('calendar', 'Name of the calendar.'),
               ('calendar_name', 'Name of the calendar.'),
               ('base_calendar_id', 'Identifier in the file of the calendar that this one extends; null if there is none.'),
               ('is_default', 'Whether it is the default calendar of the project.'),
               ('week', 'Number of the working week: 0 is the standard one.'),
               ('week_name', 'Name of the working week; null for the standard one.'),
               ('from_date', 'First day; null if it has no bound.'),
               ('to_date', 'Last day; null if it has no bound.'),
               ('weekday', 'Day of the week: 1 is Monday.'),
               ('weekday_name', 'Day of the week in English.'),
               ('working', 'Whether it is working time.'),
               ('shift', 'Number of the shift of the day, from 1; null if there is none.'),
               ('from_time', 'When the shift begins.'),
               ('to_time', 'When the shift ends; midnight is `00:00:00`.'),
               ('record', 'Kind of the record: `project`, `task`, `resource`, `assignment`, or the element of a part.'),
               ('record_id', 'Identifier of the record in the file; that of a project is its `external_id`.'),
               ('type_id', 'Identifier in the file of the type of code.'),
               ('value_id', 'Identifier in the file of the value.'),
               ('parent_value_id', 'Identifier in the file of the value above this one; null if there is none.'),
               ('field_id', 'Identifier in the file of the custom field.'),
               ('title', 'Name of the custom field, for people.'),
               ('value_number', 'The value as a number; null if it is none. Costs are in the project''s currency.'),
               ('value_date', 'The value as a date; null if it is none.'),
               ('value_boolean', 'The value as a boolean; null if it is none.'),
               ('value_duration', 'The value as a duration; null if it is none.')
               ) AS t (name, comment)
          JOIN pg_attribute a ON a.attname = t.name
          JOIN pg_class v ON v.oid = a.attrelid AND v.relkind = 'v'
         WHERE v.relnamespace::regnamespace::text IN ('public', 'report')
           AND col_description(v.oid, a.attnum) IS NULL
    LOOP
        EXECUTE given;
    END LOOP;
END
$$;

-- A view inherits no comments. Each of its columns gets the comment of the column that it reads under
-- the same name, if all that it reads under this name have the same one. Views on views follow in the
-- next round.
DO $$
DECLARE
    copied record;
    found bigint;
BEGIN
    LOOP
        found := 0;
        FOR copied IN
            SELECT format('COMMENT ON COLUMN %s.%I IS %L', v.oid::regclass, a.attname, min(t.text))
                   AS statement
              FROM pg_class v
              JOIN pg_rewrite r ON r.ev_class = v.oid
              JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
                              AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> v.oid
              JOIN pg_attribute a ON a.attrelid = v.oid AND a.attnum > 0
              JOIN pg_attribute s ON s.attrelid = d.refobjid AND s.attnum = d.refobjsubid
                                 AND s.attname = a.attname AND s.atttypid = a.atttypid
             CROSS JOIN LATERAL (SELECT col_description(s.attrelid, s.attnum) AS text) AS t
             WHERE v.relkind = 'v' AND v.relnamespace::regnamespace::text IN ('public', 'report')
               AND col_description(v.oid, a.attnum) IS NULL
             GROUP BY v.oid, a.attnum, a.attname
            HAVING count(t.text) = count(*) AND count(DISTINCT t.text) = 1
        LOOP
            EXECUTE copied.statement;
            found := found + 1;
        END LOOP;
        EXIT WHEN found = 0;
    END LOOP;
END
$$;

-- migrate:down

DO $$
DECLARE
    removed text;
BEGIN
    FOR removed IN
        SELECT CASE
                   WHEN d.objsubid = 0
                   THEN format('COMMENT ON %s %s IS NULL',
                               CASE c.relkind WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END, c.oid::regclass)
                   ELSE format('COMMENT ON COLUMN %s.%I IS NULL', c.oid::regclass, a.attname)
               END
          FROM pg_description d
          JOIN pg_class c ON d.classoid = 'pg_class'::regclass AND c.oid = d.objoid
          LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = d.objsubid AND d.objsubid > 0
         WHERE c.relnamespace::regnamespace::text IN ('public', 'report')
           AND c.relkind IN ('r', 'p', 'v')
    LOOP
        EXECUTE removed;
    END LOOP;
END
$$;

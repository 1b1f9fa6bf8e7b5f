//! One suite for every back end: each check is a function over a [`Place`], and a test per back end.
//!
//! Docker's tests run when its engine answers, or must when `RETRIAL_REQUIRE_DOCKER=1`; they need the image
//! `RETRIAL_BASE_IMAGE` (by default `retrial/base:bookworm`). `RETRIAL_REQUIRE_NAMESPACE=1` does the same for
//! namespaces. A back end that is not usable here makes its tests say
//! so in one line; they never pass over it silently.

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "checks are test code, though not #[test] functions"
)]

mod agents;
mod cleaning;
mod commands;
mod interpreter;
mod limits;
mod place;
mod trees;

use place::Place;

macro_rules! tests {
    ($kind:ident: $($module:ident :: $check:ident),+ $(,)?) => {
        mod $kind {
            $(
                #[test]
                fn $check() {
                    crate::place::run(crate::place::$kind, crate::$module::$check);
                }
            )+
        }
    };
}

macro_rules! suite {
    (everywhere: $($e:ident :: $everywhere:ident),+; not_in_the_fake: $($r:ident :: $real:ident),+;) => {
        tests!(docker: $($e::$everywhere,)+ $($r::$real,)+);
        tests!(namespace: $($e::$everywhere,)+ $($r::$real,)+);
        tests!(fake: $($e::$everywhere,)+);
    };
}

suite! {
    everywhere:
        commands::a_started_sandbox_runs_a_command,
        commands::output_is_streamed_and_standard_error_is_kept_apart,
        commands::exit_codes_and_signals_are_told_apart,
        commands::the_environment_is_exactly_what_was_given,
        commands::commands_start_with_no_signal_blocked_or_ignored,
        commands::output_beyond_its_cap_is_counted_and_dropped,
        commands::a_command_that_cannot_start_is_the_callers_error,
        commands::the_time_limit_ends_the_whole_tree,
        commands::background_processes_live_until_they_are_all_killed,
        commands::starting_files_are_in_place_and_writable,
        trees::a_tree_comes_back_as_it_went_in,
        trees::a_single_file_and_a_missing_path_are_told_apart,
        trees::every_cap_of_a_copy_has_its_own_error,
        trees::a_cleared_directory_is_empty_and_still_there,
        cleaning::sandboxes_share_neither_home_nor_tmp,
        cleaning::a_stopped_sandbox_leaves_nothing;
    // The fake runs no process and has no kernel, so nothing of this can be asked of it.
    not_in_the_fake:
        commands::a_gigabyte_of_output_costs_no_memory,
        commands::standard_input_is_what_was_given_and_otherwise_empty,
        commands::several_commands_run_side_by_side,
        trees::hostile_names_and_links_neither_escape_nor_hang,
        trees::clearing_follows_no_planted_link_and_opens_what_is_locked,
        trees::planted_links_do_not_redirect_what_is_copied_in,
        limits::nothing_outside_is_reachable,
        limits::the_memory_limit_bites_and_is_reported,
        limits::a_fork_bomb_is_stopped_and_disturbs_nobody_else,
        limits::a_full_disk_is_an_error_inside,
        agents::the_relay_forwards_to_the_gateway,
        agents::an_agent_has_no_privileges_and_cannot_touch_the_relay,
        agents::the_hosts_secrets_are_out_of_reach,
        agents::mounts_are_read_only,
        cleaning::a_dropped_sandbox_ends_by_itself,
        cleaning::what_a_killed_process_leaves_is_reaped;
}

/// Not a check: the process that `what_a_killed_process_leaves_is_reaped` starts and kills.
#[test]
#[ignore = "started by a check in a process of its own"]
fn hold_a_sandbox_until_killed() {
    cleaning::hold();
}

mod docker_only {
    use crate::{agents, cleaning, place};

    #[test]
    fn users_are_kept_apart() {
        place::run(place::docker, agents::users_are_kept_apart);
    }

    #[test]
    fn a_failing_build_is_an_error_with_the_end_of_its_log() {
        place::run(place::docker, cleaning::a_failing_build_is_an_error_with_the_end_of_its_log);
    }

    #[test]
    fn an_image_is_built_once_for_all_who_ask() {
        place::run(place::docker, cleaning::an_image_is_built_once_for_all_who_ask);
    }
}

mod namespace_only {
    use crate::{cleaning, place};

    #[test]
    fn a_dockerfile_that_does_more_is_refused_with_reasons() {
        place::run(place::namespace, cleaning::a_dockerfile_that_does_more_is_refused_with_reasons);
    }

    #[test]
    fn an_unpacked_root_takes_the_place_of_the_hosts_programs() {
        place::run(place::namespace, cleaning::an_unpacked_root_takes_the_place_of_the_hosts_programs);
    }
}

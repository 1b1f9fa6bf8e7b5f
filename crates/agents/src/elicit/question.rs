//! The question for confidence and claim, after the end or inside the instruction. It says what each answer means, and favours none.

macro_rules! form {
    () => {
        "{\"confidence\": <number from 0 to 1>, \"claim\": \"done\" | \"not_done\" | \"needs_human\"}"
    };
}

macro_rules! meaning {
    () => {
        "`confidence` is your probability that the result fulfils everything the task asks for: 0 means certainly not, 1 means \
certainly. `claim` is `done` if you consider the task complete, `not_done` if you consider it incomplete, and `needs_human` if \
a person has to decide or do something before it can be complete."
    };
}

/// The question put after the agent has ended, as one user message.
pub const QUESTION: &str = concat!(
    "Your work on the task has ended, and nothing can be changed any more. Assess the result as it is now. Call no tools. \
Answer with one line of JSON and nothing else, in this form:\n",
    form!(),
    "\n",
    meaning!(),
);

/// What is added to the instruction where the agent states confidence and claim in its last message.
pub const INSTRUCTION_SUFFIX: &str = concat!(
    "\n\nWhen you have ended your work, assess the result as it then is. Make the last line of your last message one line of \
JSON in this form:\n",
    form!(),
    "\n",
    meaning!(),
    "\n",
);

//! Passwords from people: from a file or a prompt, never from the command line, which every
//! process of the machine can read.

use std::{fs, io, path::Path};

use zeroize::Zeroizing;

use crate::Failure;

/// The password in a file, or asked for twice at the terminal.
pub fn read(file: Option<&Path>) -> Result<Zeroizing<String>, Failure> {
    match file {
        Some(path) => {
            let text = fs::read_to_string(path)
                .map_err(|e| Failure::Io("reading the password file", e))?;
            let text = Zeroizing::new(text);
            Ok(Zeroizing::new(text.trim_end_matches(['\r', '\n']).to_owned()))
        }
        None => ask(),
    }
}

fn ask() -> Result<Zeroizing<String>, Failure> {
    let terminal = console::Term::stderr();
    if !terminal.is_term() || !io::IsTerminal::is_terminal(&io::stdin()) {
        return Err(Failure::Usage(
            "there is no terminal to ask at; give --password-file".to_owned(),
        ));
    }
    let line = |prompt: &str| -> io::Result<Zeroizing<String>> {
        terminal.write_str(prompt)?;
        Ok(Zeroizing::new(terminal.read_secure_line()?))
    };
    let failed = |e| Failure::Io("asking for the password", e);
    let first = line("Password: ").map_err(failed)?;
    let second = line("The same again: ").map_err(failed)?;
    if first == second {
        Ok(first)
    } else {
        Err(Failure::Usage("the two were not the same".to_owned()))
    }
}

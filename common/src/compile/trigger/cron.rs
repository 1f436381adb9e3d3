//! Whether a cron expression is one: five fields as in Unix, six with seconds, or a nickname.

const NICKNAMES: [&str; 7] = [
    "@yearly",
    "@annually",
    "@monthly",
    "@weekly",
    "@daily",
    "@midnight",
    "@hourly",
];

const MONTHS: [&str; 12] = [
    "JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC",
];

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// One of the fields of an expression.
struct Field {
    name: &'static str,
    least: u32,
    most: u32,
    /// Names that stand for numbers, the first for `first_name`.
    names: &'static [&'static str],
    first_name: u32,
}

const SECOND: Field = Field {
    name: "second",
    least: 0,
    most: 59,
    names: &[],
    first_name: 0,
};
const FIELDS: [Field; 5] = [
    Field {
        name: "minute",
        least: 0,
        most: 59,
        names: &[],
        first_name: 0,
    },
    Field {
        name: "hour",
        least: 0,
        most: 23,
        names: &[],
        first_name: 0,
    },
    Field {
        name: "day of month",
        least: 1,
        most: 31,
        names: &[],
        first_name: 0,
    },
    Field {
        name: "month",
        least: 1,
        most: 12,
        names: &MONTHS,
        first_name: 1,
    },
    Field {
        name: "day of week",
        least: 0,
        most: 7,
        names: &DAYS,
        first_name: 0,
    },
];

/// What is wrong with it, if anything.
pub(super) fn check(cron: &str, with_seconds: bool) -> Result<(), String> {
    let cron = cron.trim();
    if cron.starts_with('@') {
        return match NICKNAMES.contains(&cron) {
            true => Ok(()),
            false => Err(format!(
                "no nickname `{cron}`, only {}",
                NICKNAMES.join(", ")
            )),
        };
    }
    let parts: Vec<&str> = cron.split_whitespace().collect();
    let expected = if with_seconds { 6 } else { 5 };
    if parts.len() != expected {
        let found = parts.len();
        let hint = if found == 6 {
            " (six need `withSeconds: true`)"
        } else {
            ""
        };
        return Err(format!(
            "Cron expression contains {found} parts but we expect one of [{expected}]{hint}"
        ));
    }
    let fields = with_seconds.then_some(&SECOND).into_iter().chain(&FIELDS);
    for (field, part) in fields.zip(parts) {
        field.check(part)?;
    }
    Ok(())
}

impl Field {
    fn check(&self, part: &str) -> Result<(), String> {
        part.split(',').try_for_each(|item| self.check_item(item))
    }

    fn check_item(&self, item: &str) -> Result<(), String> {
        let (range, step) = match item.split_once('/') {
            Some((range, step)) => (range, Some(step)),
            None => (item, None),
        };
        if let Some(step) = step {
            let steps = step
                .parse::<u32>()
                .ok()
                .filter(|step| *step > 0 && *step <= self.most);
            if steps.is_none() {
                return Err(format!(
                    "`{step}` is no step for the {} in `{item}`",
                    self.name
                ));
            }
        }
        if range == "*" || (range == "L" && self.name == "day of month") {
            return Ok(());
        }
        match range.split_once('-') {
            None => self.number(range).map(|_| ()),
            Some((first, last)) => {
                let (first, last) = (self.number(first)?, self.number(last)?);
                if first > last && !(self.name == "day of week" && last == 0) {
                    return Err(format!(
                        "the range `{range}` of the {} runs backwards",
                        self.name
                    ));
                }
                Ok(())
            }
        }
    }

    fn number(&self, text: &str) -> Result<u32, String> {
        let name = self
            .names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(text));
        if let Some(position) = name {
            return Ok(self.first_name + position as u32);
        }
        let number = text
            .parse::<u32>()
            .ok()
            .filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()));
        match number {
            Some(number) if (self.least..=self.most).contains(&number) => Ok(number),
            Some(number) => Err(format!(
                "{number} is not in the range [{}, {}] of the {}",
                self.least, self.most, self.name
            )),
            None => Err(format!("`{text}` is no {}", self.name)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::check;

    #[test]
    fn expressions_are_taken_as_unix_cron_takes_them() {
        for good in [
            "* * * * *",
            "*/5 0-23/2 1,15 JAN-mar MON-FRI",
            "@hourly",
            "0 0 L * 7",
            "0 9 * * 1-5",
            "0 0 * * FRI-0",
        ] {
            assert_eq!(check(good, false), Ok(()), "{good}");
        }
        for bad in [
            "",
            "* * * *",
            "* * * * * *",
            "60 * * * *",
            "$ome Inv@lid Cr0n",
            "5-1 * * * *",
            "*/0 * * * *",
            "@often",
            "+1 * * * *",
        ] {
            assert!(check(bad, false).is_err(), "{bad}");
        }
        assert_eq!(check("0 * * * * *", true), Ok(()));
        assert!(check("* * * * *", true).is_err());
    }
}

//! One line of CSV (RFC 4180), in which no value holds a line feed: no column can. So a quote that is not closed costs its
//! own line, and not the rest of the file.

/// Reads lines of CSV; its tables are built once.
pub(super) struct Csv {
    reader: csv_core::Reader,
    output: Vec<u8>,
    ends: Vec<usize>,
}

impl Csv {
    pub(super) fn new() -> Self {
        let reader = csv_core::ReaderBuilder::new().terminator(csv_core::Terminator::Any(b'\n')).build();
        Self { reader, output: vec![], ends: vec![] }
    }

    /// The values of a line, without the white space around them.
    pub(super) fn values(&mut self, line: &str) -> Result<Vec<String>, String> {
        if !line.matches('"').count().is_multiple_of(2) {
            return Err(
                "a quote is not closed on this line: write a quote inside a value twice, and no line feeds".to_owned()
            );
        }
        let input = format!("{line}\n");
        self.reader.reset();
        self.output.resize(input.len(), 0);
        self.ends.resize(line.matches(',').count() + 1, 0);
        let (result, _, _, count) = self.reader.read_record(input.as_bytes(), &mut self.output, &mut self.ends);
        let mut start = 0;
        let values = self.ends.iter().take(count).map(|end| {
            let value = self.output.get(start..*end).and_then(|value| std::str::from_utf8(value).ok());
            start = *end;
            value.map(|value| value.trim().to_owned())
        });
        match (result, values.collect()) {
            (csv_core::ReadRecordResult::Record, Some(values)) => Ok(values),
            _ => Err("the line is not CSV: write values, separated by commas".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Csv;

    #[test]
    fn quotes_and_commas_are_as_in_the_rfc() {
        let mut csv = Csv::new();
        let mut values = |line| csv.values(line).unwrap();
        assert_eq!(values("a,b,c"), ["a", "b", "c"]);
        assert_eq!(values(" a , \"b, c\" ,,"), ["a", "\"b", "c\"", "", ""], "a quoted value begins with its quote");
        assert_eq!(values("\"a, \"\"b\"\"\",\"\",c"), ["a, \"b\"", "", "c"]);
        assert_eq!(values("\"[30,7]\""), ["[30,7]"]);
        assert_eq!(values("zoë,用户"), ["zoë", "用户"]);
        assert_eq!(values("a,b\rc,d"), ["a", "b\rc", "d"]);
        assert_eq!(values(","), ["", ""]);
        assert!(csv.values("a,\"b").is_err());
        assert_eq!(csv.values("a,b").unwrap(), ["a", "b"], "one bad line spoils no other");
    }
}

// Prints what the official AsyncAPI parser has to say about a file, one line a finding, gravest first.
// Ends with 1 if the document is not valid or a warning was found; advice (the latest version ...) is only printed.
import { readFileSync } from "node:fs";
import { Parser } from "@asyncapi/parser";

const GRAVITY = ["error", "warning", "information", "hint"];
const WARNING = GRAVITY.indexOf("warning");

const { document, diagnostics } = await new Parser().parse(readFileSync(process.argv[2], "utf8"));
diagnostics.sort((one, other) => one.severity - other.severity);
for (const { severity, code, path, message } of diagnostics) {
  console.log(`${GRAVITY[severity]} ${code} at ${path.join(".")}: ${message}`);
}
if (document) {
  const { length: messages } = document.messages().all();
  console.log(`${document.channels().all().length} channels, ${messages} messages`);
}
process.exit(document && !diagnostics.some(({ severity }) => severity <= WARNING) ? 0 : 1);

const assert = require("node:assert");
const test = require("node:test");
const page = require("../page");

test("the page greets", () => assert.match(page("mei"), /Hello, mei/));

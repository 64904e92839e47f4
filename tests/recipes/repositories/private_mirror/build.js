const fs = require("fs");
const page = require("./page");

fs.mkdirSync("dist", { recursive: true });
fs.writeFileSync("dist/index.html", page("preview"));

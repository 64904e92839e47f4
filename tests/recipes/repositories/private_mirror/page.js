const ui = require("@shop/ui");

module.exports = (name) => ui.page(`Hello, ${name}`);

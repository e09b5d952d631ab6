// The API's page: Swagger UI over the service's own description, with the console's token if this tab has one.

import { token } from "./token.js";

const page = document.getElementById("api");

function explain() {
  const link = document.createElement("a");
  link.href = "openapi.json";
  link.textContent = "openapi.json";
  page.append("Swagger UI is not installed on this machine; run ./setup.sh again. The description itself is ", link, ".");
}

if (window.SwaggerUIBundle) {
  const ui = window.SwaggerUIBundle({
    url: "openapi.json",
    domNode: page,
    deepLinking: true,
    validatorUrl: null, // nothing of ours goes to another host
    onComplete: () => token() && ui.preauthorizeApiKey("token", token()),
  });
} else {
  explain();
}

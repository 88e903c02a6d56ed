// A file of its own, so that the page needs no inline script. The validator would be another host.
window.SwaggerUIBundle({ url: "/openapi.json", dom_id: "#ui", deepLinking: true, validatorUrl: null });

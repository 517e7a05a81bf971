/* A filter form sends itself when a choice changes; empty fields stay out of the address. */
export default function autosubmit(form) {
  form.addEventListener("formdata", (event) => {
    for (const [name, value] of Array.from(event.formData.entries())) {
      if (value === "") event.formData.delete(name);
    }
  });
  form.addEventListener("change", (event) => {
    if (event.target.matches('select, input[type="checkbox"], input[type="radio"]')) {
      if (form.requestSubmit) form.requestSubmit();
      else form.submit();
    }
  });
}

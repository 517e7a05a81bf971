/* What stands in the fields of a form, and filling it in again; passwords, files and tokens are left out. */
const isSecret = (field) => field.type === "password" || field.type === "file" || field.name === "csrf_token";

export function valuesOf(form) {
  const values = {};
  for (const field of form.elements) {
    if (!field.name || field.disabled || isSecret(field) || ["submit", "button", "fieldset"].includes(field.type)) continue;
    values[field.name] = values[field.name] || [];
    if (field.multiple) values[field.name].push(...Array.from(field.selectedOptions, (one) => one.value));
    else if (!["checkbox", "radio"].includes(field.type) || field.checked) values[field.name].push(field.value);
  }
  return values;
}

export function fill(form, values) {
  const left = JSON.parse(JSON.stringify(values));
  const typed = [];
  for (const field of form.elements) {
    const given = left[field.name];
    if (!given || isSecret(field)) continue;
    if (field.type === "hidden" && field.name !== "once_key") given.shift();
    else if (["checkbox", "radio"].includes(field.type)) field.checked = given.includes(field.value);
    else if (field.multiple) Array.from(field.options).forEach((one) => { one.selected = given.includes(one.value); });
    else if (given.length) {
      field.value = given.shift();
      if (field.type !== "hidden" && field.value !== "") typed.push(field);
    }
  }
  return typed;
}

/* What asks once more is opened again, so that what was typed there is seen. */
export function show(form, typed) {
  const places = typed.concat(form).map((one) => one.closest("details.confirm")).filter(Boolean);
  places.forEach((place) => { place.open = true; });
  form.dispatchEvent(new Event("input", { bubbles: true }));
  form.dispatchEvent(new Event("change", { bubbles: true }));
}

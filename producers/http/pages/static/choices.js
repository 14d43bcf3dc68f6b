// Small helps in choosing: the currency that goes with a country, and the countries one does not text.

const blocked = document.querySelector("#blocked-countries");

document.querySelector("[data-currency-for]")?.addEventListener("change", (event) => {
  const currency = event.target.selectedOptions[0].dataset.currency;
  const select = document.getElementById(event.target.dataset.currencyFor);
  if ([...select.options].some((option) => option.value === currency)) select.value = currency;
});

function block(select) {
  const [option] = select.selectedOptions;
  const known = [...blocked.querySelectorAll("input")].some((input) => input.value === option.value);
  if (option.value !== "" && !known) blocked.append(chip(option));
  select.value = "";
}

function chip(option) {
  const item = document.querySelector("#blocked-chip").content.cloneNode(true);
  item.querySelector("input").value = option.value;
  item.querySelector("span").textContent = option.textContent;
  item.querySelector("button").setAttribute("aria-label", `Text ${option.textContent} again`);
  return item;
}

if (blocked) {
  document.querySelector("#block-country").addEventListener("change", (event) => block(event.target));
  blocked.addEventListener("click", (event) => event.target.closest("[data-unblocks]")?.parentElement.remove());
}

# What R makes of the data in a folder: one line a task, "name <tab> seconds <tab> values".
# Run by benchmarks/psychometrics_peers.py; times are the best of three, or of one for long work, and leave the reading of files out.
folder <- commandArgs(trailingOnly = TRUE)[1]
table_of <- function(name) unname(as.matrix(read.csv(file.path(folder, name), header = FALSE)))
scores <- table_of("scores.csv")
focal <- scan(file.path(folder, "focal.txt"), quiet = TRUE)
rasch <- table_of("rasch.csv")
chances <- scan(file.path(folder, "chances.txt"), quiet = TRUE)
total <- rowSums(scores)

task <- function(name, work, runs = 3) {
  best <- Inf
  for (run in seq_len(runs)) best <- min(best, system.time(values <- work())[["elapsed"]])
  cat(name, sprintf("%.4f", best), paste(format(as.numeric(values), digits = 15), collapse = " "), sep = "\t")
  cat("\n")
}
has <- function(package) requireNamespace(package, quietly = TRUE)

cross <- function(item) {
  keep <- names(which(table(total) > 1))
  here <- as.character(total) %in% keep
  table(1 - focal[here], scores[here, item], total[here])[2:1, 2:1, , drop = FALSE]
}
likelihood_ratio <- function(item) {
  base <- glm(scores[, item] ~ total, family = binomial)
  full <- glm(scores[, item] ~ total * focal, family = binomial)
  base$deviance - full$deviance
}

task("berkeley", function() {
  found <- mantelhaen.test(UCBAdmissions)
  c(found$estimate, found$statistic, found$p.value)
})
task("wilson", function() sapply(1:50, function(x) prop.test(x, 80, correct = FALSE)$conf.int))
task("benjamini_hochberg", function() p.adjust(chances, "BH") <= 0.05)
task("mantel_haenszel", function() sapply(seq_len(ncol(scores)), function(item) {
  found <- mantelhaen.test(cross(item))
  c(found$estimate, found$statistic)
}), runs = 1)
task("logistic", function() sapply(1:20, likelihood_ratio))
if (has("psych")) task("psych_alpha", function() {
  found <- suppressWarnings(psych::alpha(scores, check.keys = FALSE, warnings = FALSE))
  c(found$total$raw_alpha, found$item.stats$r.drop)
})
if (has("psych")) task("psych_irt_fa", function() {
  found <- suppressMessages(suppressWarnings(psych::irt.fa(scores[, 1:30], plot = FALSE, correct = 0)))
  c(found$irt$discrimination, found$irt$difficulty[[1]]) * 1.702  # from the normal ogive; the second are a * b
}, runs = 1)
if (has("eRm")) task("erm_rasch", function() { beta <- -eRm::RM(rasch, se = FALSE)$betapar; beta - mean(beta) }, runs = 1)
if (has("psychotools")) task("psychotools_rasch", function() {
  beta <- psychotools::itempar(psychotools::raschmodel(rasch))
  as.numeric(beta) - mean(beta)
}, runs = 1)

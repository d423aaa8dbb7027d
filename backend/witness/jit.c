/* See jit.h. */
#include "backend/witness/jit.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "backend/witness/jit_emit.h"

/*
 * What things cost, in nanoseconds, for the choice of JIT_AUTO: benchmarks/results/llvm.md. An
 * element read by the interpreter takes 15 to 40, by native code 0.5 to 3.
 */
enum jit_cost {
    COST_STEP = 7,           /* saved at least, for each element read */
    COST_FUNCTION = 3000000, /* compiling the function of a form */
    COST_RELATION = 2000,    /* telling the form of a relation */
    COST_LIBRARY = 60000000, /* loading LLVM and readying its target */
};

/* Nanoseconds saved by native code for the relations of a form, its compilation not counted. */
static double saved_ns(const struct jit_group *group, size_t runs)
{
    return group->steps * (double)runs * COST_STEP;
}

static bool group_is_worth_it(const struct jit_group *group, size_t runs)
{
    return saved_ns(group, runs) > 2.0 * COST_FUNCTION;
}

bool jit_is_worth_it(const struct relation_program *program, size_t runs)
{
    double saved = -(double)program->relation_count * COST_RELATION, most = 0;
    for (size_t i = 0; i < program->relation_count; i++)
        most += (double)jit_relation_steps(&program->relations[i]) * (double)runs * COST_STEP;
    if (most < 2.0 * COST_LIBRARY)
        return false;
    struct arena arena;
    struct jit_groups groups;
    arena_init(&arena, 0);
    bool found = jit_groups_find(&groups, program, &arena);
    for (size_t g = 0; found && g < groups.count; g++) {
        if (group_is_worth_it(&groups.item[g], runs))
            saved += saved_ns(&groups.item[g], runs) - COST_FUNCTION;
    }
    arena_release(&arena);
    return found && saved > 2.0 * COST_LIBRARY;
}

#ifdef SERTN_HAVE_LLVM

/* What a form has: code, and how far its outermost loop runs. */
struct compiled {
    jit_function *run; /* NULL: the interpreter's */
    size_t count, chunk;
};

struct jit {
    const struct relation_program *program;
    const struct jit_llvm *llvm;
    struct machine *machine;
    struct arena arena;
    LLVMContextRef context;
    LLVMExecutionEngineRef engine; /* owns the module */
    struct jit_groups groups;
    struct compiled *compiled; /* [groups.count] */
};

/* Chunks of a loop read at least this many elements. */
enum { CHUNK_STEPS = 1 << 16 };

/* ---- compiling ---- */

/* Variables in registers. Vector loops and unrolling were measured: four times the compilation for
 * nothing, as most products are of 128 bits. */
static const char passes[] = "function(sroa)";

struct target {
    LLVMTargetMachineRef machine;
    char *triple, *cpu, *features;
};

static void release_target(const struct jit_llvm *l, struct target *target)
{
    if (target->machine != NULL)
        l->LLVMDisposeTargetMachine(target->machine);
    char *const texts[] = {target->triple, target->cpu, target->features};
    for (size_t i = 0; i < 3; i++) {
        if (texts[i] != NULL)
            l->LLVMDisposeMessage(texts[i]);
    }
}

static enum status open_target(const struct jit_llvm *l, struct target *target, struct diag *diag)
{
    LLVMTargetRef found;
    char *error = NULL;
    target->triple = l->LLVMGetDefaultTargetTriple();
    target->cpu = l->LLVMGetHostCPUName();
    target->features = l->LLVMGetHostCPUFeatures();
    if (l->LLVMGetTargetFromTriple(target->triple, &found, &error)) {
        enum status status =
            diag_set(diag, STATUS_DEVICE, "LLVM has no target for this machine: %s", error);
        l->LLVMDisposeMessage(error);
        return status;
    }
    target->machine = l->LLVMCreateTargetMachine(found, target->triple, target->cpu,
                                                 target->features, LLVMCodeGenLevelDefault,
                                                 LLVMRelocStatic, LLVMCodeModelJITDefault);
    if (target->machine == NULL)
        return diag_set(diag, STATUS_DEVICE, "LLVM makes no code for this machine");
    return STATUS_OK;
}

static void set_attribute(const struct jit *jit, LLVMValueRef function, const char *name,
                          const char *value)
{
    const struct jit_llvm *l = jit->llvm;
    LLVMAttributeRef attribute = l->LLVMCreateStringAttribute(
        jit->context, name, (unsigned)strlen(name), value, (unsigned)strlen(value));
    l->LLVMAddAttributeAtIndex(function, (LLVMAttributeIndex)LLVMAttributeFunctionIndex, attribute);
}

static void function_name(char name[32], size_t form)
{
    snprintf(name, 32, "form_%zu", form);
}

/* The function of a form, made of its first relation. */
static void emit_group(struct jit *jit, LLVMModuleRef module, const struct target *target, size_t g)
{
    struct arena scratch;
    struct jit_plan plan;
    char name[32];
    size_t first = jit->groups.item[g].first;
    const struct relation *relation = &jit->program->relations[first];
    arena_init(&scratch, 0);
    jit_plan_relation(&plan, jit->program, relation, &scratch);
    if (plan.bits != 0) { /* else memory is out */
        function_name(name, g);
        LLVMValueRef function =
            jit_emit_relation(jit->llvm, jit->context, module, name, jit->program, relation, &plan,
                              &jit->groups.forms[first]);
        set_attribute(jit, function, "target-cpu", target->cpu);
        set_attribute(jit, function, "target-features", target->features);
        struct compiled *compiled = &jit->compiled[g];
        compiled->count = plan.inner == 0 ? 1 : (size_t)plan.count[0];
        compiled->chunk = CHUNK_STEPS / (plan.steps / compiled->count + 1) + 1;
    }
    arena_release(&scratch);
}

static void emit_all(struct jit *jit, LLVMModuleRef module, const struct target *target,
                     enum jit_choice choice, size_t runs)
{
    for (size_t g = 0; g < jit->groups.count; g++) {
        if (choice == JIT_ALWAYS || group_is_worth_it(&jit->groups.item[g], runs))
            emit_group(jit, module, target, g);
    }
}

static enum status optimize(const struct jit *jit, LLVMModuleRef module,
                            const struct target *target, struct diag *diag)
{
    const struct jit_llvm *l = jit->llvm;
    char *text = NULL;
    if (l->LLVMVerifyModule(module, LLVMReturnStatusAction, &text)) {
        enum status status = diag_set(diag, STATUS_DEVICE, "LLVM refuses the program: %s", text);
        l->LLVMDisposeMessage(text);
        return status;
    }
    l->LLVMDisposeMessage(text);
    LLVMPassBuilderOptionsRef options = l->LLVMCreatePassBuilderOptions();
    LLVMErrorRef error = l->LLVMRunPasses(module, passes, target->machine, options);
    l->LLVMDisposePassBuilderOptions(options);
    if (error == NULL)
        return STATUS_OK;
    text = l->LLVMGetErrorMessage(error);
    enum status status = diag_set(diag, STATUS_DEVICE, "LLVM refuses a pass: %s", text);
    l->LLVMDisposeErrorMessage(text);
    return status;
}

static enum status make_code(struct jit *jit, LLVMModuleRef module, struct diag *diag)
{
    const struct jit_llvm *l = jit->llvm;
    struct LLVMMCJITCompilerOptions options;
    char *text = NULL;
    l->LLVMInitializeMCJITCompilerOptions(&options, sizeof options);
    options.OptLevel = 2;
    if (l->LLVMCreateMCJITCompilerForModule(&jit->engine, module, &options, sizeof options,
                                            &text)) {
        enum status status = diag_set(diag, STATUS_DEVICE, "LLVM makes no code: %s", text);
        l->LLVMDisposeMessage(text);
        l->LLVMDisposeModule(module);
        return status;
    }
    for (size_t g = 0; g < jit->groups.count; g++) {
        char name[32];
        if (jit->compiled[g].count == 0)
            continue;
        function_name(name, g);
        uint64_t address = l->LLVMGetFunctionAddress(jit->engine, name);
        if (address == 0)
            return diag_set(diag, STATUS_DEVICE, "LLVM made no code for relation %u",
                            jit->groups.item[g].first);
        jit->compiled[g].run = (jit_function *)(uintptr_t)address;
    }
    return STATUS_OK;
}

static enum status compile(struct jit *jit, enum jit_choice choice, size_t runs, struct diag *diag)
{
    const struct jit_llvm *l = jit->llvm;
    struct target target = {0};
    enum status status = open_target(l, &target, diag);
    if (status == STATUS_OK) {
        jit->context = l->LLVMContextCreate();
        LLVMModuleRef module = l->LLVMModuleCreateWithNameInContext("relations", jit->context);
        LLVMTargetDataRef layout = l->LLVMCreateTargetDataLayout(target.machine);
        l->LLVMSetModuleDataLayout(module, layout);
        l->LLVMDisposeTargetData(layout);
        l->LLVMSetTarget(module, target.triple);
        emit_all(jit, module, &target, choice, runs);
        status = optimize(jit, module, &target, diag);
        if (status == STATUS_OK)
            status = make_code(jit, module, diag);
        else
            l->LLVMDisposeModule(module);
    }
    release_target(l, &target);
    return status;
}

enum status jit_new(struct jit **out, const struct relation_program *program,
                    enum jit_choice choice, size_t runs, struct machine *machine, struct diag *diag)
{
    *out = NULL;
    const struct jit_llvm *llvm;
    enum status status = jit_llvm_load(&llvm, diag);
    if (status != STATUS_OK)
        return status;
    struct jit *jit = calloc(1, sizeof *jit);
    if (jit == NULL)
        return diag_set(diag, STATUS_NO_MEMORY, "no memory for native code");
    jit->program = program;
    jit->llvm = llvm;
    jit->machine = machine;
    arena_init(&jit->arena, 0);
    if (jit_groups_find(&jit->groups, program, &jit->arena))
        jit->compiled = arena_array(&jit->arena, struct compiled, jit->groups.count + 1);
    if (jit->compiled == NULL)
        status = diag_set(diag, STATUS_NO_MEMORY, "no memory for native code");
    else
        status = compile(jit, choice, runs, diag);
    if (status != STATUS_OK)
        jit_free(jit);
    else
        *out = jit;
    return status;
}

void jit_free(struct jit *jit)
{
    if (jit == NULL)
        return;
    if (jit->engine != NULL)
        jit->llvm->LLVMDisposeExecutionEngine(jit->engine);
    if (jit->context != NULL)
        jit->llvm->LLVMContextDispose(jit->context);
    arena_release(&jit->arena);
    free(jit);
}

size_t jit_function_count(const struct jit *jit)
{
    size_t count = 0;
    for (size_t g = 0; g < jit->groups.count; g++)
        count += jit->compiled[g].run != NULL;
    return count;
}

bool jit_takes(const struct jit *jit, size_t index)
{
    return jit->groups.of[index] != RELATION_NONE &&
           jit->compiled[jit->groups.of[index]].run != NULL;
}

/* ---- running ---- */

struct job {
    jit_function *run;
    int64_t *tensors[JIT_TENSORS_MAX];
    const wide *numbers;
    atomic_bool is_bad;
};

static void run_task(void *context, size_t begin, size_t end, unsigned worker)
{
    (void)worker;
    struct job *job = context;
    if (job->run(job->tensors, job->numbers, (int64_t)begin, (int64_t)end) != 0)
        atomic_store_explicit(&job->is_bad, true, memory_order_relaxed);
}

static bool run_compiled(void *context, size_t index, struct relation_values *values)
{
    const struct jit *jit = context;
    if (!jit_takes(jit, index))
        return false;
    const struct compiled *compiled = &jit->compiled[jit->groups.of[index]];
    const struct jit_form *form = &jit->groups.forms[index];
    struct job job;
    job.run = compiled->run;
    job.numbers = form->numbers;
    atomic_init(&job.is_bad, false);
    for (size_t i = 0; i < form->tensor_count; i++) {
        uint32_t t = form->tensors[i];
        job.tensors[i] = values->is_wide[t] ? (int64_t *)values->full[t] : values->narrow[t];
    }
    if (compiled->count <= compiled->chunk)
        run_task(&job, 0, compiled->count, 0);
    else
        machine_parallel_for(jit->machine, compiled->count, compiled->chunk, run_task, &job);
    return !atomic_load_explicit(&job.is_bad, memory_order_relaxed);
}

struct relation_evaluator jit_evaluator(struct jit *jit)
{
    return (struct relation_evaluator){run_compiled, jit};
}

#else

struct jit {
    char unused;
};

static bool run_nothing(void *context, size_t index, struct relation_values *values)
{
    (void)context;
    (void)index;
    (void)values;
    return false;
}

enum status jit_new(struct jit **out, const struct relation_program *program,
                    enum jit_choice choice, size_t runs, struct machine *machine, struct diag *diag)
{
    (void)program;
    (void)choice;
    (void)runs;
    (void)machine;
    *out = NULL;
    return diag_set(diag, STATUS_UNSUPPORTED,
                    "Sertn was built without LLVM; relations are left to the interpreter");
}

void jit_free(struct jit *jit)
{
    (void)jit;
}

size_t jit_function_count(const struct jit *jit)
{
    (void)jit;
    return 0;
}

bool jit_takes(const struct jit *jit, size_t index)
{
    (void)jit;
    (void)index;
    return false;
}

struct relation_evaluator jit_evaluator(struct jit *jit)
{
    return (struct relation_evaluator){run_nothing, jit};
}

#endif

/*
 * The LLVM C API as a table of functions, loaded when it is first asked for and kept until the end.
 *
 * SERTN_HAVE_LLVM says whether Sertn was built with LLVM's headers; the library loaded is of the
 * same major version, since the API changes between them.
 */
#ifndef SERTN_BACKEND_WITNESS_JIT_LLVM_H
#define SERTN_BACKEND_WITNESS_JIT_LLVM_H

#ifdef SERTN_HAVE_LLVM

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/ExecutionEngine.h>
#include <llvm-c/Target.h>
#include <llvm-c/TargetMachine.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <llvm/Config/llvm-config.h>

#include "ir/support/status.h"

#define JIT_LLVM_FUNCTIONS(X)                                                                      \
    X(LLVM_NATIVE_TARGETINFO)                                                                      \
    X(LLVM_NATIVE_TARGET)                                                                          \
    X(LLVM_NATIVE_TARGETMC)                                                                        \
    X(LLVM_NATIVE_ASMPRINTER)                                                                      \
    X(LLVMLinkInMCJIT)                                                                             \
    X(LLVMContextCreate)                                                                           \
    X(LLVMContextDispose)                                                                          \
    X(LLVMModuleCreateWithNameInContext)                                                           \
    X(LLVMDisposeModule)                                                                           \
    X(LLVMSetTarget)                                                                               \
    X(LLVMSetModuleDataLayout)                                                                     \
    X(LLVMVerifyModule)                                                                            \
    X(LLVMDisposeMessage)                                                                          \
    X(LLVMGetErrorMessage)                                                                         \
    X(LLVMDisposeErrorMessage)                                                                     \
    X(LLVMGetDefaultTargetTriple)                                                                  \
    X(LLVMGetHostCPUName)                                                                          \
    X(LLVMGetHostCPUFeatures)                                                                      \
    X(LLVMGetTargetFromTriple)                                                                     \
    X(LLVMCreateTargetMachine)                                                                     \
    X(LLVMDisposeTargetMachine)                                                                    \
    X(LLVMCreateTargetDataLayout)                                                                  \
    X(LLVMDisposeTargetData)                                                                       \
    X(LLVMCreatePassBuilderOptions)                                                                \
    X(LLVMDisposePassBuilderOptions)                                                               \
    X(LLVMRunPasses)                                                                               \
    X(LLVMInitializeMCJITCompilerOptions)                                                          \
    X(LLVMCreateMCJITCompilerForModule)                                                            \
    X(LLVMDisposeExecutionEngine)                                                                  \
    X(LLVMGetFunctionAddress)                                                                      \
    X(LLVMCreateStringAttribute)                                                                   \
    X(LLVMAddAttributeAtIndex)                                                                     \
    X(LLVMIntTypeInContext)                                                                        \
    X(LLVMVoidTypeInContext)                                                                       \
    X(LLVMPointerType)                                                                             \
    X(LLVMFunctionType)                                                                            \
    X(LLVMAddFunction)                                                                             \
    X(LLVMGetParam)                                                                                \
    X(LLVMAppendBasicBlockInContext)                                                               \
    X(LLVMCreateBuilderInContext)                                                                  \
    X(LLVMDisposeBuilder)                                                                          \
    X(LLVMPositionBuilderAtEnd)                                                                    \
    X(LLVMGetInsertBlock)                                                                          \
    X(LLVMConstInt)                                                                                \
    X(LLVMConstIntOfArbitraryPrecision)                                                            \
    X(LLVMConstIntToPtr)                                                                           \
    X(LLVMBuildAlloca)                                                                             \
    X(LLVMBuildLoad2)                                                                              \
    X(LLVMBuildStore)                                                                              \
    X(LLVMSetAlignment)                                                                            \
    X(LLVMBuildGEP2)                                                                               \
    X(LLVMBuildBitCast)                                                                            \
    X(LLVMBuildSExt)                                                                               \
    X(LLVMBuildZExt)                                                                               \
    X(LLVMBuildTrunc)                                                                              \
    X(LLVMBuildIntToPtr)                                                                           \
    X(LLVMBuildAdd)                                                                                \
    X(LLVMBuildSub)                                                                                \
    X(LLVMBuildNSWAdd)                                                                             \
    X(LLVMBuildNSWSub)                                                                             \
    X(LLVMBuildNSWMul)                                                                             \
    X(LLVMBuildSDiv)                                                                               \
    X(LLVMBuildAShr)                                                                               \
    X(LLVMBuildAnd)                                                                                \
    X(LLVMBuildOr)                                                                                 \
    X(LLVMBuildICmp)                                                                               \
    X(LLVMBuildSelect)                                                                             \
    X(LLVMBuildPhi)                                                                                \
    X(LLVMAddIncoming)                                                                             \
    X(LLVMBuildBr)                                                                                 \
    X(LLVMBuildCondBr)                                                                             \
    X(LLVMBuildRet)                                                                                \
    X(LLVMBuildCall2)                                                                              \
    X(LLVMLookupIntrinsicID)                                                                       \
    X(LLVMGetIntrinsicDeclaration)

/* Members have the names of the functions, so that l->LLVMBuildAdd(...) is the call. */
struct jit_llvm {
#define JIT_LLVM_MEMBER(name) __typeof__(&name) name;
    JIT_LLVM_FUNCTIONS(JIT_LLVM_MEMBER)
#undef JIT_LLVM_MEMBER
};

/*
 * Loads LLVM and readies the target of this machine. Any thread may call it. Errors:
 * STATUS_UNSUPPORTED, naming the library, when it is not here.
 */
enum status jit_llvm_load(const struct jit_llvm **llvm, struct diag *diag) SERTN_MUST_CHECK;

#endif
#endif

using System.Management.Automation;
using System.Runtime.Loader;

namespace VirtSecurity.Loading;

/// <summary>
/// Loads what the module depends on from bin/deps, in a load context of its own, so that another module's CliWrap and
/// ours never meet. Nothing is read, run or asked at import.
/// </summary>
public sealed class ModuleInitializer : IModuleAssemblyInitializer, IModuleAssemblyCleanup
{
    private static readonly DependencyContext Dependencies = new();

    /// <inheritdoc/>
    public void OnImport() => AssemblyLoadContext.Default.Resolving += Resolve;

    /// <inheritdoc/>
    public void OnRemove(PSModuleInfo psModuleInfo) => AssemblyLoadContext.Default.Resolving -= Resolve;

    private static System.Reflection.Assembly? Resolve(AssemblyLoadContext context, System.Reflection.AssemblyName name) =>
        name.Name == "CliWrap" ? Dependencies.LoadFromAssemblyName(name) : null;

    private sealed class DependencyContext() : AssemblyLoadContext("VirtSecurity")
    {
        protected override System.Reflection.Assembly? Load(System.Reflection.AssemblyName assemblyName)
        {
            var directory = Path.GetDirectoryName(typeof(ModuleInitializer).Assembly.Location)!;
            var file = Path.Combine(directory, "deps", $"{assemblyName.Name}.dll");
            return File.Exists(file) ? LoadFromAssemblyPath(file) : null;
        }
    }
}

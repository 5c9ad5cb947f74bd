#include <itkImage.h>
#include <itkImageFileWriter.h>
#include <itkImportImageFilter.h>
#include <itkMetaImageIO.h>
#include <itkNiftiImageIO.h>

#include <filesystem>
#include <new>

#include "iqgate/base/atomic_file.hpp"
#include "iqgate/base/error.hpp"
#include "iqgate/report/hdf5_writer.hpp"
#include "iqgate/report/volume_dicom.hpp"

namespace iqgate::report {
namespace {

void write_with_itk(const Scan& scan, const std::string& path, const std::string& extension,
                    itk::ImageIOBase::Pointer io) {
  using Image = itk::Image<float, 3>;
  const Grid& g = scan.volume.grid;
  const auto import = itk::ImportImageFilter<float, 3>::New();
  Image::RegionType region;
  region.SetSize({g.size.x, g.size.y, g.size.z});
  import->SetRegion(region);
  const double spacing[3] = {g.spacing_mm.x, g.spacing_mm.y, g.spacing_mm.z},
               origin[3] = {g.origin_mm.x, g.origin_mm.y, g.origin_mm.z};
  import->SetSpacing(spacing);
  import->SetOrigin(origin);
  Image::DirectionType direction;
  for (int r = 0; r < 3; ++r)
    for (int c = 0; c < 3; ++c) direction(r, c) = g.direction(r, c);
  import->SetDirection(direction);
  import->SetImportPointer(const_cast<float*>(scan.volume.values.data()), scan.volume.values.size(), false);
  // The library picks by extension, so the temporary keeps it and is then moved to the atomic writer's name.
  write_atomically(path, [&](const std::string& temporary) {
    const std::string named = temporary + extension;
    const auto writer = itk::ImageFileWriter<Image>::New();
    writer->SetImageIO(io);
    writer->SetFileName(named);
    writer->SetInput(import->GetOutput());
    try {
      writer->Update();
    } catch (const itk::MemoryAllocationError&) {
      std::error_code ignored;
      std::filesystem::remove(named, ignored);
      throw std::bad_alloc();
    } catch (const itk::ExceptionObject& error) {
      std::error_code ignored;
      std::filesystem::remove(named, ignored);
      throw OutputError("cannot_write", path, error.GetDescription(), "check free space and permission");
    }
    std::filesystem::rename(named, temporary);
  });
}

}  // namespace

VolumeFormat volume_format(const std::string& name) {
  if (name == "dicom") return VolumeFormat::dicom;
  if (name == "nifti") return VolumeFormat::nifti;
  if (name == "metaimage") return VolumeFormat::metaimage;
  if (name == "hdf5") return VolumeFormat::hdf5;
  throw UsageError("unknown_value", "--format", "\"" + name + "\" is none of dicom, nifti, metaimage, hdf5");
}

std::vector<std::string> write_volume(const Scan& scan, VolumeFormat format, const std::string& folder,
                                      const std::string& stem, const DicomIdentity& identity) {
  make_folder(folder);
  const std::string base = folder + "/" + stem;
  switch (format) {
    case VolumeFormat::dicom: return write_dicom(scan, folder, stem, identity);
    case VolumeFormat::nifti:
      write_with_itk(scan, base + ".nii", ".nii", itk::NiftiImageIO::New().GetPointer());
      return {base + ".nii"};
    case VolumeFormat::metaimage:
      write_with_itk(scan, base + ".mha", ".mha", itk::MetaImageIO::New().GetPointer());
      return {base + ".mha"};
    case VolumeFormat::hdf5: write_volume_hdf5(base + ".h5", scan); return {base + ".h5"};
  }
  return {};
}

}  // namespace iqgate::report
